"""Calibration 7: nominal 95 % intervals hold the truth at least nine times in ten, though answers are alike."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from known_series import coverage

RUNS = 50


@pytest.mark.parametrize(("kind", "seconds"), [("ar 0", 120), ("ar 0.5", 120), ("ar 0.8", 300), ("queue 0.5", 300)])
def test_intervals_hold_the_truth(kind, seconds):
    """Medians, tails and means of seeded series lie within their intervals in 90 % of the runs or more."""
    ours, _ = coverage(kind, seconds=seconds, runs=RUNS, seed=1)
    assert min(ours.values()) >= 0.9


def test_order_statistics_alone_are_too_narrow():
    """What independent answers would allow holds the truth of a bursty queue's p95 far less often."""
    ours, naive = coverage("queue 0.5", seconds=300, runs=RUNS, seed=1)
    assert naive["p95"] < ours["p95"] - 0.2
