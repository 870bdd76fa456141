"""Latency by percentile, spaced by nines: from due (corrected) beside from sent (uncorrected), with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.cost import bootstrap
from loadtester.recorder import Counts, Histogram, Recording, buckets

#: Points in a nine: from 90 % to 99 %, say.
_PER_NINE: Final = 20
#: Spans that a run is resampled by at most, and buckets that values are told apart by: a fine enough interval.
_MOST_SPANS: Final = 300
_MOST_BUCKETS: Final = 400
_SEED: Final = 1

_CONFIDENCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Curve:
    """Seconds at each of `percents`; `low` and `high` bound 95 % of resampled runs, empty where there are none."""

    percents: tuple[float, ...]
    seconds: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def curve(run: Recording, metric: str) -> Curve:
    """The percentiles of a metric of the ok answers, up to the last that enough answers stand behind.

    That is p with n ≥ ln(0.05) / ln(p): else its one-sided 95 % bound does not exist. The interval is that of the
    circular block bootstrap over spans of the run.
    """
    parts = _by_second(run, metric)
    whole = Histogram(counts for _, counts in parts)
    if not whole.total:
        return Curve((), ())
    percents = _nines(whole.total)
    cumulative = np.cumsum(whole.counts)
    ranks = np.maximum(1, np.ceil(percents / 100 * whole.total - 1e-9))
    seconds = buckets.highest_us(np.searchsorted(cumulative, ranks)) / 1e6
    bounds = _interval(parts, whole, percents)
    if bounds is None:
        return Curve(tuple(percents.tolist()), tuple(seconds.tolist()))
    # Values are told apart less finely in resampled runs than in the run itself.
    low, high = np.minimum(bounds[0], seconds), np.maximum(bounds[1], seconds)
    return Curve(tuple(percents.tolist()), tuple(seconds.tolist()), tuple(low.tolist()), tuple(high.tolist()))


def _nines(count: int) -> NDArray[np.float64]:
    """Percents at even steps of nines, from 0 on to the last that `count` answers allow."""
    last = -math.log10(-math.expm1(math.log(_CONFIDENCE) / count))
    return 100 * (1 - 10.0 ** -(np.arange(math.floor(last * _PER_NINE) + 1) / _PER_NINE))


def _by_second(run: Recording, metric: str) -> list[tuple[int, Counts]]:
    return [
        (interval.second, counts)
        for interval in run.intervals
        for series, counts in (interval.counts or {}).items()
        if series.is_ok and series.metric == metric
    ]


def _interval(
    parts: Sequence[tuple[int, Counts]], whole: Histogram, percents: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Lower and upper bound in seconds at each percent, shape (2, n); None for runs too short for an interval."""
    seconds = parts[-1][0] + 1
    if seconds < bootstrap.FEWEST_S:
        return None
    width = math.ceil(seconds / _MOST_SPANS)
    groups, tops_us = _grouped(whole)
    columns = np.zeros((math.ceil(seconds / width), len(tops_us)))
    for second, counts in parts:
        np.add.at(columns[second // width], groups[counts.indices], counts.counts)
    means = columns @ np.arange(len(tops_us)) / np.maximum(columns.sum(axis=1), 1)
    drawn = bootstrap.sums(columns, bootstrap.block_length(means), _SEED)
    reach = np.cumsum(drawn, axis=1)
    reach /= np.maximum(reach[:, -1:], 1e-12)
    places = np.empty((len(drawn), len(percents)), dtype=np.int64)
    for row, one in enumerate(reach):
        places[row] = np.searchsorted(one, percents / 100 - 1e-9)
    values = tops_us[np.minimum(places, len(tops_us) - 1)] / 1e6
    bounds: NDArray[np.float64] = np.quantile(values, [_CONFIDENCE / 2, 1 - _CONFIDENCE / 2], axis=0)
    return bounds


def _grouped(whole: Histogram) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each bucket its group, and each group's top in µs: groups of equal counts, finer towards the tail."""
    used = np.flatnonzero(whole.counts)
    reach = np.cumsum(whole.counts[used]) / whole.total
    # Half of the groups by rank, half by nines, so that the tail, which matters most, is not lumped together.
    by_rank = reach * (_MOST_BUCKETS / 2)
    nines = -np.log10(np.maximum(1 - reach, 0.5 / whole.total))
    by_nine = nines / nines[-1] * (_MOST_BUCKETS / 2)
    steps = np.floor(by_rank + by_nine)
    ends = np.flatnonzero(np.diff(steps, append=np.inf) > 0)
    groups = np.searchsorted(used[ends], np.arange(buckets.SIZE))
    return np.minimum(groups, len(ends) - 1), buckets.highest_us(used[ends]).astype(np.float64)
