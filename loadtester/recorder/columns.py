"""The histograms of a run's seconds as columns: series by series, those of all seconds in two arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtester.model import Series
from loadtester.recorder import buckets
from loadtester.recorder.histogram import Counts, Histogram


@dataclass(frozen=True, slots=True)
class Column:
    """Counts of one series: those of second s lie from `edges[s]` up to `edges[s + 1]`.

    `indices` are buckets and `counts` how many values fell into each, both of shape (n,); `edges` has shape
    (seconds + 1,). The first two are of small types: sum them, or index with them, but don't multiply them by
    integers. `clipped` has the seconds in which values were over an hour, and how many; they count as an hour.
    """

    indices: NDArray[Any]
    counts: NDArray[Any]
    edges: NDArray[np.int64]
    clipped: Mapping[int, int] = field(default_factory=dict)

    @property
    def seconds(self) -> int:
        """How many seconds it has, with those in which nothing was counted."""
        return len(self.edges) - 1

    def second(self, second: int) -> Counts | None:
        """What was counted in one second; None for nothing."""
        start, end = self.edges[second : second + 2].tolist()
        if start == end:
            return None
        return Counts(self.indices[start:end], self.counts[start:end], self.clipped.get(second, 0))

    def part(self, start: int, end: int) -> Column:
        """The seconds from `start` up to `end`, numbered from 0 again."""
        edges = self.edges[start : end + 1]
        first, last = edges[[0, -1]].tolist()
        clipped = {second - start: count for second, count in self.clipped.items() if start <= second < end}
        return Column(self.indices[first:last], self.counts[first:last], edges - first, clipped)

    def places(self, width_s: int = 1) -> NDArray[np.int32]:
        """In which span of `width_s` seconds each count lies, shape (n,)."""
        return np.repeat(np.arange(self.seconds, dtype=np.int32) // width_s, np.diff(self.edges))

    def totals(self, width_s: int = 1) -> NDArray[np.float64]:
        """How many values each span of `width_s` seconds has, shape (spans,)."""
        return self._by_span(self.counts, width_s)

    def sums_s(self, width_s: int = 1) -> NDArray[np.float64]:
        """The sum of each span's values in seconds, each taken as the middle of its bucket, shape (spans,)."""
        return self._by_span(buckets.middle_us(self.indices) * self.counts, width_s) / 1e6

    def histogram(self) -> Histogram:
        """All seconds together."""
        whole = Histogram()
        whole.counts = np.bincount(self.indices, weights=self.counts, minlength=buckets.SIZE).astype(np.int64)
        whole.clipped = sum(self.clipped.values())
        return whole

    def _by_span(self, values: NDArray[Any], width_s: int) -> NDArray[np.float64]:
        spans = -(-self.seconds // width_s)
        return np.bincount(self.places(width_s), weights=values, minlength=spans).astype(np.float64)


def together(columns: Sequence[Column]) -> Column:
    """Several series of the same seconds as one; a bucket may have more than one count in a second."""
    if len(columns) == 1:
        return columns[0]
    seconds = np.concatenate([one.places() for one in columns])
    order = np.argsort(seconds, kind="stable")
    return Column(
        np.concatenate([one.indices for one in columns])[order],
        np.concatenate([one.counts for one in columns])[order],
        np.sum([one.edges for one in columns], axis=0),
        sum((Counter(one.clipped) for one in columns), Counter()),
    )


class OneSecond(Mapping[Series, Counts]):
    """What columns have of one second, as a recorder's own interval has it."""

    __slots__ = ("_columns", "_second")

    def __init__(self, columns: Mapping[Series, Column], second: int) -> None:
        self._columns, self._second = columns, second

    def __getitem__(self, series: Series) -> Counts:
        counts = self._columns[series].second(self._second)
        if counts is None:
            raise KeyError(series)
        return counts

    def __iter__(self) -> Iterator[Series]:
        place = self._second
        return (series for series, one in self._columns.items() if one.edges[place] < one.edges[place + 1])

    def __len__(self) -> int:
        return sum(1 for _ in self)
