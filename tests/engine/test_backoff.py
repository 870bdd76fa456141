"""Throttled requests are tried again, and nothing else is, within bounds."""

import asyncio

import pytest

from loadtester.engine import Backoff
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Probe

OK = Ending(Outcome.OK)
THROTTLED = Ending(Outcome.THROTTLED)
AT_ONCE = Ending(Outcome.THROTTLED, retry_after_s=0.0)


def request(number=0):
    return Request(
        id=number, query="q", kind="ai", model="m", prompt="p", session="s", turn=1, max_tokens=1, language="en"
    )  # fmt: skip


class Driver:
    """Ends one attempt after the other as told, each with a piece of an answer."""

    def __init__(self, *endings):
        self._endings = list(endings)

    async def send(self, _request, probe):
        probe.sent()
        probe.chunk(3, "abc")
        return self._endings.pop(0)


def tried(*endings, max_attempts=3, limit_s=60.0, during=None):
    """How it ended, the probe, and how many attempts were left unsent."""
    driver = Driver(*endings)
    ticks = iter(range(100))

    async def main():
        backoff = Backoff(seed=1, max_attempts=max_attempts, limit_s=limit_s)
        probe = Probe(lambda: next(ticks), 0)
        probe.launched()
        if during is not None:
            asyncio.get_running_loop().call_soon(during, backoff)
        return await backoff.send(driver, request(), probe), probe

    return *asyncio.run(main()), len(driver._endings)


@pytest.mark.parametrize(
    ("endings", "outcome", "retries", "left"),
    [
        ((OK, OK), "ok", 0, 1),
        ((AT_ONCE, OK, OK), "ok", 1, 1),
        ((AT_ONCE, AT_ONCE, OK, OK), "ok", 2, 1),
        ((AT_ONCE, AT_ONCE, AT_ONCE, OK), "throttled", 2, 1),
        ((Ending(Outcome.SERVER_ERROR), OK), "server_error", 0, 1),
        ((AT_ONCE, Ending(Outcome.UNAVAILABLE), OK), "unavailable", 1, 1),
    ],
)
def test_only_throttled_requests_are_tried_again(endings, outcome, retries, left):
    """Up to three attempts, until one is not throttled; the last one's ending is the request's."""
    ending, probe, unsent = tried(*endings)
    assert (ending.outcome, probe.retries, unsent) == (outcome, retries, left)


def test_the_answer_is_the_last_attempts():
    """Pieces of an earlier attempt are forgotten; when it was first sent, and first ended, is not."""
    _, probe, _ = tried(AT_ONCE, OK)
    assert (probe.n_chunks, probe.n_bytes, probe.ascii_chars, probe.gaps_ns) == (1, 3, 3, None)
    assert probe.sent_ns == 1
    assert probe.attempted_ns == 3
    assert not probe.is_first_ok
    assert probe.first_ns > probe.attempted_ns


def test_a_first_attempt_that_was_ok_is_said_to_be():
    """First-attempt latency is that of requests answered at once."""
    _, probe, _ = tried(OK)
    assert probe.is_first_ok
    assert probe.retries == 0


@pytest.mark.parametrize("after_s", [60.0, 1e9])
def test_nothing_is_tried_past_the_time_limit(after_s):
    """Who would come back too late ends as throttled now, without waiting."""
    ending, probe, left = tried(Ending(Outcome.THROTTLED, retry_after_s=after_s), OK, limit_s=60.0)
    assert (ending.outcome, probe.retries, left) == ("throttled", 0, 1)


def test_a_stopped_run_tries_nothing_again():
    """Who waits for another attempt ends as throttled at once."""
    long = Ending(Outcome.THROTTLED, retry_after_s=50.0)
    ending, probe, left = tried(long, OK, during=lambda backoff: backoff.stop())
    assert (ending, probe.retries, left) == (long, 0, 1)


def test_what_the_target_asks_for_is_kept_to():
    """Retry-After is the wait, whatever would have been drawn."""
    backoff = Backoff(seed=1, max_attempts=3, limit_s=60.0)
    assert [backoff.wait_s(request(), attempt, 7.0) for attempt in (1, 2)] == [7.0, 7.0]


def test_waits_are_drawn_below_a_ceiling_that_doubles():
    """Full jitter: uniform from nothing to 1, 2, 4 … 20 s; the same for the same seed, request and attempt."""
    backoff, same, other = (Backoff(seed=seed, max_attempts=9, limit_s=60.0) for seed in (1, 1, 2))
    for attempt, ceiling_s in enumerate((1, 2, 4, 8, 16, 20, 20), start=1):
        waits = [backoff.wait_s(request(number), attempt, None) for number in range(2_000)]
        assert waits == [same.wait_s(request(number), attempt, None) for number in range(2_000)]
        assert waits != [other.wait_s(request(number), attempt, None) for number in range(2_000)]
        assert 0 <= min(waits) < 0.01 * ceiling_s
        assert 0.99 * ceiling_s < max(waits) < ceiling_s
        assert sum(waits) / len(waits) == pytest.approx(ceiling_s / 2, rel=0.05)
