"""Histograms lose nothing, rank exactly, and add up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.recorder import Histogram, buckets, count_ns
from loadtester.recorder.histogram import count_each_ns

VALUES = st.lists(st.integers(0, 2 * buckets.HIGHEST_US * 1000), min_size=1, max_size=200)


def _counted(values):
    return count_ns(np.array(values, dtype=np.int64))


@given(VALUES, st.sampled_from([50, 90, 95, 99, 99.9, 100]))
def test_percentile_is_the_value_at_its_rank(values_ns, percent):
    """A percentile is the top of the bucket that holds the value of rank ceil(p · n) of the sorted values."""
    values_us = sorted(min((value + 500) // 1000, buckets.HIGHEST_US) for value in values_ns)
    exact_us = values_us[math.ceil(percent / 100 * len(values_us) - 1e-9) - 1]
    top_us = buckets.highest_us(buckets.index_of(np.array([exact_us])))[0]
    assert Histogram([_counted(values_ns)]).percentile_s(percent) == top_us / 1e6


@given(VALUES)
def test_nothing_is_lost(values_ns):
    """Every value is counted; those over an hour are also counted as clipped."""
    counts = _counted(values_ns)
    assert counts.total == len(values_ns)
    assert counts.clipped == sum((value + 500) // 1000 > buckets.HIGHEST_US for value in values_ns)


@given(VALUES, VALUES, VALUES)
def test_merging_is_addition(first, second, third):
    """Merging is associative, and merging counts is counting all values together."""
    a, b, c = _counted(first), _counted(second), _counted(third)
    left, right, whole = a.merge(b).merge(c), a.merge(b.merge(c)), _counted(first + second + third)
    for merged in (left, right):
        assert merged.indices.tolist() == whole.indices.tolist()
        assert merged.counts.tolist() == whole.counts.tolist()
        assert merged.clipped == whole.clipped


def test_moments_of_known_values():
    """Mean, least and greatest of known values, within a bucket's width."""
    histogram = Histogram([_counted([1_000_000, 2_000_000, 6_000_000])])
    assert histogram.mean_s() == pytest.approx(0.003, rel=1e-3)
    assert histogram.min_s() == pytest.approx(0.001, rel=1e-3)
    assert histogram.max_s() == pytest.approx(0.006, rel=1e-3)


def test_p99_is_never_above_the_maximum():
    """With few values every percentile is one of them."""
    histogram = Histogram([_counted([5_000_000] * 10)])
    assert histogram.percentile_s(99) == histogram.max_s()


@given(st.lists(st.lists(st.integers(0, 5 * 10**12), min_size=1, max_size=30), max_size=6))
def test_many_at_once_are_counted_as_each_alone(each_ns):
    """Arrays counted together have the counts that each has alone, what is clipped among them."""
    arrays = [np.array(values, dtype=np.int64) for values in each_ns]
    together = count_each_ns(arrays)
    assert len(together) == len(arrays)
    for one, alone in zip(together, map(count_ns, arrays), strict=True):
        assert (one.indices.tolist(), one.counts.tolist(), one.clipped) == (
            alone.indices.tolist(),
            alone.counts.tolist(),
            alone.clipped,
        )
