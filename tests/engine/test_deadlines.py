"""The time limit of requests in flight."""

import asyncio

import pytest

from loadtester.engine.deadlines import Deadlines


async def _limited(deadlines, work):
    """What becomes of `work`: its result, "over" or "cancelled"."""
    task = deadlines.begin()
    try:
        return await work
    except asyncio.CancelledError:
        return "over" if deadlines.is_over(task) else "cancelled"
    finally:
        deadlines.end(task)


def test_only_those_that_are_still_running_are_cancelled():
    """A task that has ended is left alone, one that has not is cancelled, and can tell."""

    async def main():
        deadlines = Deadlines(0.02)
        endings = await asyncio.gather(
            _limited(deadlines, asyncio.sleep(0, "done")), *(_limited(deadlines, asyncio.Event().wait()) for _ in "123")
        )
        deadlines.close()
        return endings

    assert asyncio.run(main()) == ["done", "over", "over", "over"]


def test_each_has_its_own_moment():
    """One that began later is cancelled later, in the order of their beginnings."""
    order = []

    async def main():
        deadlines = Deadlines(0.02)

        async def one(name):
            assert await _limited(deadlines, asyncio.Event().wait()) == "over"
            order.append(name)

        first = asyncio.create_task(one("first"))
        await asyncio.sleep(0)
        await asyncio.gather(first, one("second"))
        deadlines.close()

    asyncio.run(main())
    assert order == ["first", "second"]


def test_another_cancellation_is_not_the_limit():
    """A task that someone else cancels is cancelled."""

    async def main():
        deadlines = Deadlines(60)
        task = asyncio.create_task(_limited(deadlines, asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        ending = await task
        deadlines.close()
        return ending

    assert asyncio.run(main()) == "cancelled"


@pytest.mark.parametrize("is_over_first", [True, False])
def test_cancelled_by_both_is_cancelled(is_over_first):
    """When time is up and the run is stopped in the same turn of the loop, the stop counts."""

    async def main():
        deadlines = Deadlines(60)
        task = asyncio.create_task(_limited(deadlines, asyncio.Event().wait()))
        await asyncio.sleep(0)
        deadlines._due_s[task] = 0.0
        for act in (deadlines._check, task.cancel) if is_over_first else (task.cancel, deadlines._check):
            act()
        ending = await task
        deadlines.close()
        return ending

    assert asyncio.run(main()) == "cancelled"
