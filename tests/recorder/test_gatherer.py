"""Histograms are gathered in the order of their seconds, and none is cut."""

import numpy as np
import pytest

from loadtester.model import Series
from loadtester.recorder import Counts, count_ns
from loadtester.recorder.gatherer import columns_of

NAMES = [Series("latency", name, "ai", "m", is_ok=True) for name in "ab"]


def _counted(seconds):
    return [{series: count_ns(np.array(values) * 1_000_000) for series, values in second.items()} for second in seconds]


def test_seconds_beyond_the_last_are_left_out():
    """A log may be longer than what is known of a run's seconds."""
    counted = _counted([{NAMES[0]: [1]}, {NAMES[0]: [2, 4_000_000]}, {NAMES[0]: [3], NAMES[1]: [4]}])
    columns = columns_of(enumerate(counted), 2)
    assert columns[NAMES[0]].totals().tolist() == [1, 2]
    assert columns[NAMES[0]].clipped == {1: 1}
    assert columns[NAMES[1]].totals().tolist() == [0, 0]


@pytest.mark.parametrize("order", [(1, 0), (0, 0), (-1, 0)])
def test_seconds_have_their_order(order):
    """Seconds that come twice, or before others, or before the run, were not written by a run."""
    (one, two) = _counted([{NAMES[0]: [1]}, {NAMES[0]: [2]}])
    with pytest.raises(ValueError, match="out of order"):
        columns_of(zip(order, (one, two), strict=True), 2)


def test_counts_too_large_for_32_bits_are_kept():
    """Counts take half the memory where they are small; where one is not, none is cut."""
    large = Counts(np.array([5]), np.array([2**40]))
    columns = columns_of(enumerate([_counted([{NAMES[0]: [1]}])[0], {NAMES[0]: large}]), 2)
    assert columns[NAMES[0]].totals().tolist() == [1, 2**40]
