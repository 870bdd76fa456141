"""The bucket arithmetic is HdrHistogram's own."""

import numpy as np
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtester.recorder import buckets

REFERENCE = HdrHistogram(buckets.LOWEST_US, buckets.HIGHEST_US, buckets.DIGITS)


def test_shape_is_the_packages():
    """The counts array is as long as the package's."""
    assert REFERENCE.counts_len == buckets.SIZE


@given(st.integers(0, buckets.HIGHEST_US))
def test_index_and_bounds_are_the_packages(value_us):
    """Every value falls into the bucket the package puts it in, and that bucket has the package's bounds."""
    index = buckets.index_of(np.array([value_us]))
    assert index[0] == REFERENCE._counts_index_for(value_us)
    assert buckets.lowest_us(index)[0] == REFERENCE.get_lowest_equivalent_value(value_us)
    assert buckets.highest_us(index)[0] == REFERENCE.get_highest_equivalent_value(value_us)


@given(st.integers(1, buckets.HIGHEST_US))
def test_three_digits(value_us):
    """A bucket is no wider than a thousandth of what is in it."""
    index = buckets.index_of(np.array([value_us]))
    assert buckets.highest_us(index)[0] - buckets.lowest_us(index)[0] <= value_us / 1000
