"""The one histogram shape: HdrHistogram, 1 µs to 1 h, 3 significant digits, as arithmetic on arrays.

Indices are those of HdrHistogram's own counts array (hdrhistogram.org, "unit magnitude 0, 2048 sub-buckets"), so
that counts made here and histograms of the `hdrhistogram` package are the same thing:

    bucket b covers values of bit length b + 11;  index = (b + 1) · 1024 + (value >> b) - 1024
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
DIGITS = 3

_SUB_BITS = 11
_HALF = 1 << (_SUB_BITS - 1)
_SUB_MASK = (1 << _SUB_BITS) - 1

Indices = NDArray[np.int64]


def index_of(values_us: NDArray[np.int64]) -> Indices:
    """Bucket index of each value, shape (n,); values must lie in 0..HIGHEST_US."""
    # frexp's exponent is the bit length, exact below 2**53.
    bucket = np.frexp((values_us | _SUB_MASK).astype(np.float64))[1].astype(np.int64) - _SUB_BITS
    return (bucket + 1) * _HALF + (values_us >> bucket) - _HALF


def lowest_us(indices: Indices) -> NDArray[np.int64]:
    """Smallest value that falls into each bucket, in µs."""
    bucket, sub = _split(indices)
    return sub << bucket


def highest_us(indices: Indices) -> NDArray[np.int64]:
    """Largest value that falls into each bucket, in µs."""
    bucket, sub = _split(indices)
    return ((sub + 1) << bucket) - 1


def middle_us(indices: Indices) -> NDArray[np.float64]:
    """The value that stands for each bucket in a mean, in µs."""
    result: NDArray[np.float64] = _MIDDLE_US[indices]
    return result


def _split(indices: Indices) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    indices = indices.astype(np.int64)  # they may be of a type too small for values
    bucket = (indices >> (_SUB_BITS - 1)) - 1
    sub = (indices & (_HALF - 1)) + _HALF
    return np.maximum(bucket, 0), np.where(bucket < 0, sub - _HALF, sub)


#: Length of the counts array: whole buckets up to the one that holds the highest value.
SIZE = ((int(index_of(np.array([HIGHEST_US]))[0]) >> (_SUB_BITS - 1)) + 1) * _HALF
_MIDDLE_US = (lowest_us(np.arange(SIZE)) + highest_us(np.arange(SIZE))) / 2.0
