"""Counts by bucket: sparse for a second, dense for a whole run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.recorder import buckets

#: From this many values on, counting into every bucket up to the highest takes less time than sorting them.
MANY: Final = 5_000


@dataclass(frozen=True, slots=True)
class Counts:
    """A sparse histogram: `indices` sorted and unique, `counts` of the same shape, both (n,).

    `clipped` of the counted values were over an hour and are counted as one hour.
    """

    indices: NDArray[np.int64]
    counts: NDArray[np.int64]
    clipped: int = 0

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def merge(self, other: Counts) -> Counts:
        """Both together."""
        both = np.concatenate((self.indices, other.indices))
        indices, inverse = np.unique(both, return_inverse=True)
        counts = np.zeros(len(indices), dtype=np.int64)
        np.add.at(counts, inverse, np.concatenate((self.counts, other.counts)))
        return Counts(indices, counts, self.clipped + other.clipped)


def count_ns(values_ns: NDArray[np.int64]) -> Counts:
    """Histogram of durations in nanoseconds, shape (n,), rounded to the microsecond; none may be negative."""
    values_us = (values_ns + 500) // 1000
    clipped = int(np.count_nonzero(values_us > buckets.HIGHEST_US))
    found = buckets.index_of(np.minimum(values_us, buckets.HIGHEST_US))
    if len(found) < MANY:
        indices, counts = np.unique(found, return_counts=True)
    else:
        dense = np.bincount(found)
        indices = np.flatnonzero(dense)
        counts = dense[indices]
    return Counts(indices, counts.astype(np.int64), clipped)


def count_each_ns(values: Sequence[NDArray[np.int64]]) -> list[Counts]:
    """`count_ns` of many arrays at once, none of them empty: small ones take a tenth of the time."""
    sizes = [len(one) for one in values]
    found_us = (np.concatenate(values) + 500) // 1000 if values else np.empty(0, dtype=np.int64)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    is_clipped = found_us > buckets.HIGHEST_US
    keys, counts = np.unique(
        owner * buckets.SIZE + buckets.index_of(np.minimum(found_us, buckets.HIGHEST_US)), return_counts=True
    )
    clipped = np.bincount(owner[is_clipped], minlength=len(sizes))
    edges = np.searchsorted(keys, np.arange(len(sizes) + 1) * buckets.SIZE)
    indices = keys % buckets.SIZE
    return [
        Counts(indices[start:end], counts[start:end].astype(np.int64), int(beyond))
        for start, end, beyond in zip(edges[:-1], edges[1:], clipped, strict=True)
    ]


class Histogram:
    """A run's histogram; owns its dense counts array."""

    __slots__ = ("clipped", "counts")

    def __init__(self, parts: Iterable[Counts] = ()) -> None:
        self.counts = np.zeros(buckets.SIZE, dtype=np.int64)
        self.clipped = 0
        for part in parts:
            self.add(part)

    def add(self, part: Counts) -> None:
        """Count what `part` counted."""
        self.counts[part.indices] += part.counts
        self.clipped += part.clipped

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted."""
        self.counts += other.counts
        self.clipped += other.clipped

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def percentile_s(self, percent: float) -> float:
        """Value in seconds at rank ceil(percent/100 · n), as the top of its bucket (HdrHistogram's convention).

        Needs at least one value.
        """
        return self.percentiles_s((percent,))[0]

    def percentiles_s(self, percents: Sequence[float]) -> list[float]:
        """`percentile_s` of several, in seconds."""
        cumulative = np.cumsum(self.counts)
        total = int(cumulative[-1])
        ranks = [max(1, math.ceil(percent / 100.0 * total - 1e-9)) for percent in percents]
        result: list[float] = (buckets.highest_us(np.searchsorted(cumulative, ranks)) / 1e6).tolist()
        return result

    def mean_s(self) -> float:
        """Mean in seconds, each value taken as the middle of its bucket; needs at least one value."""
        used = np.flatnonzero(self.counts)
        counts = self.counts[used]
        return float(np.dot(buckets.middle_us(used), counts) / counts.sum()) / 1e6

    def min_s(self) -> float:
        """Bottom of the lowest used bucket, in seconds."""
        return float(buckets.lowest_us(np.flatnonzero(self.counts)[:1])[0]) / 1e6

    def max_s(self) -> float:
        """Top of the highest used bucket, in seconds."""
        return self._top_s(int(np.flatnonzero(self.counts)[-1]))

    @staticmethod
    def _top_s(index: int) -> float:
        return float(buckets.highest_us(np.array([index]))[0]) / 1e6
