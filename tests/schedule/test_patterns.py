"""Each pattern is the curve that its name promises."""

import numpy as np
import pytest

from loadtester.schedule import patterns
from loadtester.schedule.points import uniform_ns

T_S = 100.0


def counted(curve, count, start_s, end_s):
    due_s = uniform_ns(curve, count) / 1e9
    return int(((due_s >= start_s) & (due_s < end_s)).sum())


@pytest.mark.parametrize(("name", "over_mean"), [("sustained", 1.0), ("ramp", 0.5), ("burst", 1.0), ("spike", 2.8)])
def test_area(name, over_mean):
    """A pattern makes rate x time requests, a ramp half of that, a spike 2.8 times."""
    curve = patterns.SHAPES[name](50.0, T_S)
    assert curve.area == pytest.approx(50 * T_S * over_mean, rel=1e-13)
    assert curve.duration_s == T_S


def test_burst_is_80_in_20():
    """Five bursts, one in the middle of each fifth, hold 80 % of the requests in 20 % of the time."""
    curve = patterns.burst(50.0, T_S)
    in_bursts = [counted(curve, 5000, start, start + 4) for start in (8, 28, 48, 68, 88)]
    assert in_bursts == [800] * 5
    assert counted(curve, 5000, 0, T_S) == 5000
    assert set(curve.rate_per_s.tolist()) == {12.5, 200.0}


def test_spike_is_tenfold():
    """The middle fifth of a spike has exactly ten times the requests of each other fifth."""
    curve = patterns.spike(7.0, T_S)
    assert [counted(curve, 1960, start, start + 20) for start in (0, 20, 40, 60, 80)] == [140, 140, 1400, 140, 140]


def test_ramp_rises_in_a_line():
    """The k-th tenth of a ramp has 2k - 1 times the requests of the first."""
    curve = patterns.ramp(20.0, T_S)
    assert [counted(curve, 1000, start, start + 10) for start in range(0, 100, 10)] == list(range(10, 200, 20))


def test_stages_go_on_from_each_other():
    """A stage moves in a line from where the one before ended, from 0 at first; one of 0 s is a jump."""
    curve = patterns.staged([(10.0, 20.0), (5.0, 20.0), (0.0, 2.0), (10.0, 2.0), (10.0, 0.0)])
    assert curve.duration_s == 35
    assert curve.area == 100 + 100 + 0 + 20 + 10
    counts = [counted(curve, 230, start, end) for start, end in ((0, 10), (10, 15), (15, 25), (25, 35.1))]
    assert counts == [100, 100, 20, 10]


def test_a_first_stage_of_nothing_sets_the_rate():
    """A jump at the start begins the run at full rate."""
    curve = patterns.staged([(0.0, 10.0), (3.0, 10.0)])
    assert uniform_ns(curve, 30).tolist() == (np.arange(30) * 100_000_000 + 50_000_000).tolist()
