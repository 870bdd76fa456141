"""target_app.gateway.breaker: five failures in a row, thirty seconds, one probe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.gateway.breaker import Breaker, BreakerSettings, State


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(BreakerSettings(enabled=True), clock)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_opens_after_five_failures_in_a_row(breaker):
    """Four are not enough, the fifth is."""
    fail(breaker, 4)
    assert breaker.snapshot().state is State.CLOSED
    fail(breaker)
    assert breaker.snapshot().state is State.OPEN
    assert breaker.admit() is None
    assert breaker.snapshot().refused == 1


def test_a_success_starts_the_count_again(breaker):
    """Only failures in a row count."""
    fail(breaker, 4)
    breaker.succeeded(breaker.admit())
    fail(breaker, 4)
    assert breaker.snapshot().state is State.CLOSED


def test_stays_open_for_thirty_seconds_then_lets_one_probe_through(breaker, clock):
    """Just before the time nobody passes; at it, exactly one."""
    fail(breaker, 5)
    clock.now_s += 29.999
    assert breaker.admit() is None
    clock.now_s = 130.0
    assert [breaker.admit() is not None for _ in range(3)] == [True, False, False]
    assert breaker.snapshot().state is State.HALF_OPEN


def test_a_probe_that_succeeds_closes(breaker, clock):
    """After it five failures are needed again."""
    fail(breaker, 5)
    clock.now_s += 30
    breaker.succeeded(breaker.admit())
    fail(breaker, 4)
    assert breaker.snapshot().state is State.CLOSED
    assert breaker.snapshot().transitions == {State.OPEN: 1, State.HALF_OPEN: 1, State.CLOSED: 1}


def test_a_probe_that_fails_opens_for_another_thirty_seconds(breaker, clock):
    """The time runs anew from the probe's failure."""
    fail(breaker, 5)
    clock.now_s += 40
    fail(breaker)
    clock.now_s += 29
    assert breaker.admit() is None
    clock.now_s += 1
    assert breaker.admit() is not None


def test_a_probe_that_is_given_up_makes_room_for_the_next(breaker, clock):
    """A cancelled probe told nothing: the next call is the probe, at once."""
    fail(breaker, 5)
    clock.now_s += 30
    breaker.given_up(breaker.admit())
    assert breaker.admit() is not None


def test_late_news_is_ignored(breaker, clock):
    """A call from before the breaker opened neither closes it nor stands for the probe."""
    early = [breaker.admit() for _ in range(4)]
    fail(breaker, 5)
    breaker.succeeded(early[0])
    assert breaker.snapshot().state is State.OPEN
    clock.now_s += 30
    probe = breaker.admit()
    breaker.failed(early[1])
    breaker.given_up(early[2])
    breaker.succeeded(early[3])
    assert breaker.snapshot().state is State.HALF_OPEN
    breaker.succeeded(probe)
    assert breaker.snapshot().state is State.CLOSED


def test_off_by_default(clock):
    """Switched off it lets everything pass, whatever fails."""
    breaker = Breaker(BreakerSettings(), clock)
    fail(breaker, 50)
    assert breaker.admit() is not None
    assert breaker.snapshot().state is State.CLOSED


@given(st.lists(st.sampled_from(["fail", "succeed", "give_up", "wait"]), max_size=80))
def test_it_opens_as_a_plain_count_says(events):
    """Call by call, a breaker is open exactly where the rule, written down plainly, has it open."""
    clock = Clock()
    breaker = Breaker(BreakerSettings(enabled=True), clock)
    in_a_row, open_until = 0, None
    for event in events:
        if event == "wait":
            clock.now_s += 11
            continue
        period = breaker.admit()
        assert (period is None) == (open_until is not None and clock.now_s < open_until)
        if period is None:
            continue
        if event == "succeed":
            breaker.succeeded(period)
            in_a_row, open_until = 0, None
        elif event == "give_up":
            breaker.given_up(period)
        else:
            breaker.failed(period)
            in_a_row += 1
            if in_a_row >= 5:
                open_until = clock.now_s + 30
