"""Growth without end is told from queues that merely wander, and from traffic that climbs."""

from collections import Counter

import numpy as np
import pytest
from queue_runs import CAPACITY, queue, seen

from loadtester.analysis.thresholds.saturation import growth, saturation_reasons, window_s
from loadtester.model import Series
from loadtester.recorder import Interval, count_ns

RUNS = 40
LENGTH_S = 180
#: The shortest window, which has the fewest answers to go by, in the shortest run that has five of it.
SHORT_S = 60


def second(number, planned, in_flight, waits_s, metric="ttft"):
    """One second of a run."""
    counts = {Series(metric, "q", "ai", "m", True): count_ns((np.asarray(waits_s) * 1e9).astype(np.int64))}
    return Interval(number, planned=int(planned), in_flight=int(in_flight), counts=counts if len(waits_s) else {})


@pytest.mark.parametrize(
    "rates",
    [np.full(SHORT_S, 0.8 * CAPACITY), np.linspace(0.1, 0.8, SHORT_S) * CAPACITY],
    ids=["steady", "climbing"],
)
def test_a_target_that_keeps_up_is_let_be(rates):
    """Steady at 80 % of its capacity, or climbing there: at most one of forty seeded runs is stopped.

    `tests/bench saturation` has the rates themselves, from more of them.
    """
    stopped = sum(seen(queue(seed, rates)) is not None for seed in range(RUNS))
    assert stopped <= 1


def test_a_target_that_gets_too_much_is_found():
    """At 130 % of its capacity from the 36th second on: found within two windows and a half, and dated."""
    rates = np.where(np.arange(LENGTH_S) < 36, 0.5, 1.3) * CAPACITY
    window = window_s(LENGTH_S)
    found = Counter()
    for seed in range(4):
        one = seen(queue(seed, rates))
        assert one is not None
        found["soon"] += 36 < one.seen_s <= 36 + 2.5 * window
        found["dated"] += abs(one.since_s - 36) <= window
        assert one.offered_per_s == pytest.approx(13, rel=0.25)
        assert one.in_flight.slope_per_s > 0
        assert one.wait == "ttft"
    assert found["soon"] >= 3
    assert found["dated"] >= 3


def line(length_s, in_flight, wait_s, metric="ttft"):
    """Seconds whose requests in flight and waits follow functions of the time."""
    return [second(number, 10, in_flight(number), [wait_s(number)] * 5, metric) for number in range(length_s)]


def test_both_have_to_grow():
    """More in flight at even waits is a higher rate; longer waits at an even number in flight are slower answers."""
    assert seen(line(60, lambda t: 5 * t, lambda _: 1.0)) is None
    assert seen(line(60, lambda _: 50, lambda t: 0.1 * t + 1)) is None
    assert seen(line(60, lambda t: 5 * t, lambda t: 0.1 * t + 0.1)) is not None


def test_latency_stands_in_for_the_first_token():
    """A target that does not stream has none."""
    assert seen(line(60, lambda t: 5 * t, lambda t: 0.1 * t + 0.1, "latency")).wait == "latency"


def test_growth_that_ends_is_let_be():
    """What settles within a window is a target that warms up, or that turns the rest away."""
    assert seen(line(60, lambda t: min(t, 9) * 5, lambda t: min(t, 9) * 0.1 + 0.1)) is None


def test_windows_fit_the_run():
    """A fifth of the run, in whole stretches, from twelve seconds to sixty."""
    assert [window_s(length) for length in (5, 60, 100, 180, 300, 86_400)] == [12, 12, 12, 36, 60, 60]


def test_growth_is_a_line_through_the_window():
    """Theil and Sen's slope, per second; an outlier does not move it, and level values have none."""
    values = np.arange(12.0) + 1
    values[5] = 100.0
    found = growth(values, 24.0)
    assert found.slope_per_s == pytest.approx(0.5)
    assert (found.start, found.end) == (pytest.approx(1.0), pytest.approx(12.0))
    assert growth(np.full(12, 3.0), 24.0) is None
    assert growth(values[::-1], 24.0) is None
    assert growth(100 + np.arange(12.0), 24.0) is None


def test_the_report_says_since_when_and_at_which_rate():
    """A run that was stopped for it is suspect, with the figures; other runs have nothing to say."""
    stop = {
        "reason": "saturated",
        "since_s": 36.0,
        "seen_s": 110.0,
        "offered_per_s": 13.0,
        "wait": "ttft",
        "in_flight": {"slope_per_s": 3.1},
        "wait_s": {"slope_per_s": 0.25},
    }
    (reason,) = saturation_reasons({"stop": stop})
    assert (reason.code, reason.verdict) == ("saturated", "suspect")
    assert "from 36 s on, at 13 requests/s" in reason.message
    assert reason.evidence["in_flight_slope_per_s"] == 3.1
    assert not list(saturation_reasons({"stop": {"reason": "threshold"}}))
    assert not list(saturation_reasons({}))
