"""Batches: each caller its own result, nothing lost, nobody harmed by another."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.batching import UNPROCESSED, Batcher, BatchError

SIZE = 4
MAX_WAIT_S = 0.05
FLUSH_S = 0.02


def now_s():
    return asyncio.get_running_loop().time()


class Recorded:
    """A flush that doubles its items, and remembers when it was called with what."""

    def __init__(self, takes_s=0.0):
        self.calls = []
        self.takes_s = takes_s

    async def __call__(self, items):
        self.calls.append((now_s(), list(items)))
        await asyncio.sleep(self.takes_s)
        return [item * 2 for item in items]


def test_each_caller_gets_its_own_result(run_virtually):
    """Items of one moment go as one call, and come back each to its caller."""
    flush = Recorded()

    async def run():
        batcher = Batcher(flush, size=10)
        assert await asyncio.gather(*map(batcher.submit, range(7))) == [item * 2 for item in range(7)]
        return batcher.counts()

    counts = run_virtually(run())
    assert [items for _, items in flush.calls] == [list(range(7))]
    assert (counts.batches, counts.items, counts.mean_size, counts.pending, counts.calls_saved) == (1, 7, 7.0, 0, 6)


def test_a_full_batch_does_not_wait(run_virtually):
    """The item that fills a batch sends it; what is over waits for its own time."""
    flush = Recorded()

    async def run():
        batcher = Batcher(flush, size=3, max_wait_s=0.05)
        await asyncio.gather(*map(batcher.submit, range(7)))

    run_virtually(run())
    assert flush.calls == [(0.0, [0, 1, 2]), (0.0, [3, 4, 5]), (0.05, [6])]


def test_a_batch_waits_from_its_first_item(run_virtually):
    """Items that trickle in don't put the batch off: it goes when its first has waited long enough."""
    flush = Recorded()

    async def run():
        batcher = Batcher(flush, size=10, max_wait_s=0.05)
        async with asyncio.TaskGroup() as group:
            for item in range(4):
                group.create_task(batcher.submit(item))
                await asyncio.sleep(0.02)

    run_virtually(run())
    assert [(pytest.approx(at), items) for at, items in flush.calls] == [(0.05, [0, 1, 2]), (0.11, [3])]


def test_a_prompt_batcher_waits_only_for_the_batch_under_way(run_virtually):
    """A lone item goes at once; those that come meanwhile go together when it is back, or after the longest wait."""
    flush = Recorded(takes_s=0.01)

    async def run(max_wait_s):
        batcher = Batcher(flush, size=10, max_wait_s=max_wait_s, is_prompt=True)
        async with asyncio.TaskGroup() as group:
            for item in range(3):
                group.create_task(batcher.submit(item))
                await asyncio.sleep(0.001)

    run_virtually(run(1.0))
    assert [(pytest.approx(at), items) for at, items in flush.calls] == [(0.0, [0]), (0.01, [1, 2])]
    flush.calls.clear()
    run_virtually(run(0.004))
    assert [(pytest.approx(at), items) for at, items in flush.calls] == [(0.0, [0]), (0.005, [1, 2])]


def test_a_failed_batch_fails_each_of_its_callers(run_virtually):
    """Every caller of the batch gets the exception of the call; the next batch is as good as new."""
    calls = []

    async def flush(items):
        calls.append(items)
        if len(calls) == 1:
            raise ConnectionError("gone")
        return items

    async def run():
        batcher = Batcher(flush, size=3)
        failed = await asyncio.gather(*map(batcher.submit, range(3)), return_exceptions=True)
        assert all(isinstance(error, ConnectionError) for error in failed)
        assert await asyncio.gather(*map(batcher.submit, range(3))) == [0, 1, 2]

    run_virtually(run())


def test_a_result_that_is_an_exception_fails_its_caller_alone(run_virtually):
    """What the store refused of a batch is raised to whoever asked for it."""

    async def flush(items):
        return [ValueError(item) if item == 1 else item for item in items]

    async def run():
        batcher = Batcher(flush, size=3)
        return await asyncio.gather(*map(batcher.submit, range(3)), return_exceptions=True)

    first, refused, last = run_virtually(run())
    assert (first, last) == (0, 2)
    assert isinstance(refused, ValueError)


def test_too_few_results_fail_the_batch(run_virtually):
    """A flush that doesn't answer for each item can't be told whose answers it gave: nobody gets another's."""

    async def flush(items):
        return items[1:]

    async def run():
        with pytest.raises(BatchError, match="0 results for 1 items"):
            await Batcher(flush, size=1).submit(7)

    run_virtually(run())


def test_unprocessed_items_are_sent_again_alone_and_ever_later(run_virtually):
    """What the store did not get to goes again, without the rest, after a wait that doubles."""
    calls = []

    async def flush(items):
        calls.append((now_s(), list(items)))
        return [UNPROCESSED if item == 1 and len(calls) < 4 else item for item in items]

    async def run():
        batcher = Batcher(flush, size=3, backoff_s=0.1)
        assert await asyncio.gather(*map(batcher.submit, range(3))) == [0, 1, 2]
        return batcher.counts()

    counts = run_virtually(run())
    assert [(pytest.approx(at), items) for at, items in calls] == [(0, [0, 1, 2]), (0.1, [1]), (0.3, [1]), (0.7, [1])]
    assert (counts.items, counts.sent, counts.retried, counts.batches) == (3, 6, 3, 4)


def test_an_item_that_stays_unprocessed_is_given_back_with_the_reason(run_virtually):
    """Nothing is lost in silence: after the last attempt its caller is told."""

    async def flush(items):
        return [UNPROCESSED] * len(items)

    async def run():
        with pytest.raises(BatchError, match="after 3 attempts"):
            await Batcher(flush, size=1, attempts=3).submit(1)

    run_virtually(run())


def test_closing_sends_what_waits_and_takes_no_more(run_virtually):
    """At the end every caller has its result, without the usual wait; whoever comes later is refused."""
    flush = Recorded(takes_s=0.5)

    async def run():
        batcher = Batcher(flush, size=10, max_wait_s=60.0)
        callers = asyncio.gather(*map(batcher.submit, range(3)))
        await asyncio.sleep(0)
        await batcher.aclose()
        assert now_s() == 0.5
        with pytest.raises(BatchError, match="closed"):
            await batcher.submit(9)
        return await callers

    assert run_virtually(run()) == [0, 2, 4]


@dataclass(frozen=True)
class Plan:
    """What becomes of one caller: when it comes, how often it stays unprocessed, whether and when it gives up."""

    number: int
    comes_s: float
    unprocessed: int
    fails: bool
    patience_s: float


PLANS = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.integers(0, 3),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 10, 50, 70, 90, 10**6]),
    ),
    max_size=30,
).map(lambda rows: [Plan(n, at / 1000, again, fails, wait / 1000) for n, (at, again, fails, wait) in enumerate(rows)])


@given(plans=PLANS, is_prompt=st.booleans())
def test_whatever_comes_when_every_caller_ends_as_it_should(run_virtually, plans, is_prompt):
    """No batch is too large or too late, each caller that stays gets its own result or its batch's failure.

    However others fail or give up, an item is sent once more than it was left unprocessed, never twice at a time.
    """
    seen = {plan.number: [] for plan in plans}
    failed = set()
    under_way = set()

    async def flush(items):
        assert 0 < len(items) <= SIZE
        assert not under_way & {plan.number for plan in items}
        under_way.update(plan.number for plan in items)
        for plan in items:
            seen[plan.number].append(now_s())
        await asyncio.sleep(FLUSH_S)
        under_way.difference_update(plan.number for plan in items)
        if any(plan.fails for plan in items):
            failed.update(plan.number for plan in items)
            raise ConnectionError
        return [UNPROCESSED if len(seen[plan.number]) <= plan.unprocessed else plan.number for plan in items]

    async def call(batcher, plan):
        await asyncio.sleep(plan.comes_s)
        return await asyncio.wait_for(batcher.submit(plan), plan.patience_s)

    async def run():
        batcher = Batcher(flush, size=SIZE, max_wait_s=MAX_WAIT_S, is_prompt=is_prompt, backoff_s=0.01)
        results = await asyncio.gather(*(call(batcher, plan) for plan in plans), return_exceptions=True)
        await batcher.aclose()
        return results, batcher.counts()

    results, counts = run_virtually(run())
    for plan, result in zip(plans, results, strict=True):
        times = seen[plan.number]
        if isinstance(result, TimeoutError):
            assert plan.patience_s < 1000
        elif plan.number in failed:
            assert isinstance(result, ConnectionError)
        else:
            assert result == plan.number
            assert len(times) == plan.unprocessed + 1
        assert not times or times[0] <= plan.comes_s + MAX_WAIT_S + 1e-9
    assert counts.pending == 0
    assert counts.sent == sum(map(len, seen.values()))
