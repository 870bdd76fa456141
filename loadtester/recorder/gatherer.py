"""Gathers histograms, as a log has them one after the other, into columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtester.model import Series
from loadtester.recorder.columns import Column
from loadtester.recorder.histogram import Counts


@dataclass(frozen=True, slots=True)
class Batch:
    """Histograms, one after the other: `seconds`, `series` and `clipped` have one entry each, as `totals`.

    Those of histogram i lie from `edges[i]` up to `edges[i + 1]` in `indices` and `counts`.
    """

    seconds: Sequence[int]
    series: Sequence[Series]
    clipped: Sequence[int]
    edges: NDArray[np.int64]
    indices: NDArray[np.int64]
    counts: NDArray[np.int64]

    def totals(self) -> list[int]:
        """How many values each histogram has."""
        reach = np.concatenate(([0], np.cumsum(self.counts)))[self.edges]
        result: list[int] = np.diff(reach).tolist()
        return result


def _packed(values: NDArray[np.int64]) -> NDArray[Any]:
    """The same numbers in as few bytes as the largest needs: most counts of a second are small."""
    return values.astype(np.min_scalar_type(-int(values.max(initial=0)) - 1))


class _Gathered:
    """What is known of one series so far: the size of each of its seconds, and pieces of what lies in them."""

    __slots__ = ("clipped", "counts", "indices", "seconds", "sizes")

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self.sizes: list[int] = []
        self.indices: list[NDArray[Any]] = []
        self.counts: list[NDArray[Any]] = []
        self.clipped: dict[int, int] = {}

    def column(self, n: int) -> Column:
        """Its first n seconds; gives its pieces away. Raises ValueError where they are out of order."""
        seconds = np.array(self.seconds, dtype=np.int64)
        if (np.diff(seconds, prepend=-1) <= 0).any():
            raise ValueError("its seconds are out of order")
        sizes = np.zeros(n, dtype=np.int64)
        is_kept = seconds < n
        sizes[seconds[is_kept]] = np.array(self.sizes, dtype=np.int64)[is_kept]
        edges = np.concatenate(([0], np.cumsum(sizes)))
        indices, counts = np.concatenate(self.indices), np.concatenate(self.counts)
        self.indices, self.counts = [], []
        clipped = {second: count for second, count in self.clipped.items() if second < n}
        return Column(indices[: edges[-1]], counts[: edges[-1]], edges, clipped)


class Gatherer:
    """Turns batches of histograms, in the order of their seconds, into columns; owns them until `columns` is asked."""

    __slots__ = ("_codes", "_gathered")

    def __init__(self) -> None:
        self._codes: dict[Series, int] = {}
        self._gathered: list[_Gathered] = []

    def add(self, batch: Batch) -> None:
        """Take in some histograms, none of which is empty."""
        codes = [self._code(series) for series in batch.series]
        sizes = np.diff(batch.edges)
        for code, second, size, clipped in zip(codes, batch.seconds, sizes.tolist(), batch.clipped, strict=True):
            mine = self._gathered[code]
            mine.seconds.append(second)
            mine.sizes.append(size)
            if clipped:
                mine.clipped[second] = clipped
        order = np.argsort(np.repeat(np.array(codes, dtype=np.int32), sizes), kind="stable")
        indices, counts = _packed(batch.indices[order]), _packed(batch.counts[order])
        ends = np.cumsum(np.bincount(codes, weights=sizes)).astype(np.int64).tolist()
        for code in set(codes):
            piece = slice(ends[code - 1] if code else 0, ends[code])
            self._gathered[code].indices.append(indices[piece])
            self._gathered[code].counts.append(counts[piece])

    def columns(self, n: int) -> dict[Series, Column]:
        """The first n seconds of each series; gives away what it owns. Raises ValueError where one is out of order."""
        return {series: self._gathered[code].column(n) for series, code in self._codes.items()}

    def _code(self, series: Series) -> int:
        code = self._codes.setdefault(series, len(self._gathered))
        if code == len(self._gathered):
            self._gathered.append(_Gathered())
        return code


def columns_of(seconds: Iterable[tuple[int, Mapping[Series, Counts]]], n: int) -> dict[Series, Column]:
    """Columns of the first n seconds from each second's histograms, in order."""
    gatherer = Gatherer()
    for second, counted in seconds:
        parts = list(counted.values())
        if parts:
            edges = np.concatenate(([0], np.cumsum([len(one.indices) for one in parts])))
            indices, counts = (np.concatenate([getattr(one, name) for one in parts]) for name in ("indices", "counts"))
            places = [second] * len(parts)
            gatherer.add(Batch(places, list(counted), [one.clipped for one in parts], edges, indices, counts))
    return gatherer.columns(n)
