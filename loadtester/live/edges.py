"""From an HdrHistogram's fine buckets to the few that a metrics system keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loadtester.recorder import Counts, buckets


class Edges:
    """Upper edges of buckets in seconds, ascending, the last one open.

    A fine bucket counts where its top is, as in percentiles: what lies within 0.1 % below an edge may count above it.
    """

    __slots__ = ("_edges_us",)

    def __init__(self, edges_s: Sequence[float]) -> None:
        self._edges_us = np.array([round(edge_s * 1e6) for edge_s in edges_s], dtype=np.int64)

    def count(self, counts: Counts) -> NDArray[np.int64]:
        """How many values lie in each bucket, shape (edges + 1,)."""
        tops = buckets.highest_us(counts.indices)
        places = np.searchsorted(self._edges_us, tops)
        return np.bincount(places, weights=counts.counts, minlength=len(self._edges_us) + 1).astype(np.int64)

    @staticmethod
    def sum_s(counts: Counts) -> float:
        """About the sum of the values, each taken as the middle of its fine bucket."""
        return float(np.dot(buckets.middle_us(counts.indices), counts.counts)) / 1e6
