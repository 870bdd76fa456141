"""Latency by percentile, spaced by nines: from due (corrected) beside from sent (uncorrected), with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.resample import Resample, interval
from loadtester.recorder import Histogram, Recording, buckets

#: Points in a nine: from 90 % to 99 %, say.
_PER_NINE: Final = 20
_CONFIDENCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Curve:
    """Seconds at each of `percents`; `low` and `high` are their 95 % interval, empty where there is none at all.

    They are None at the percentiles, toward both ends, for whose interval the run is too short.
    """

    percents: tuple[float, ...]
    seconds: tuple[float, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    @property
    def banded(self) -> tuple[float, ...]:
        """The percents that have an interval: all from the first of them to the last."""
        return tuple(percent for percent, bound in zip(self.percents, self.low, strict=False) if bound is not None)


def curve(run: Recording, metric: str, *, has_interval: bool = True) -> Curve:
    """The percentiles of a metric of the ok answers, up to the last that enough answers stand behind.

    That is p with n ≥ ln(0.05) / ln(p): else its one-sided 95 % bound does not exist. The interval is the report's
    own (`Resample`), under the report's own condition; it takes time, and is left out without `has_interval`.
    """
    whole = Histogram()
    for series, column in run.columns().items():
        if series.is_ok and series.metric == metric:
            whole.merge(column.histogram())
    if not whole.total:
        return Curve((), ())
    percents = _nines(whole.total)
    cumulative = np.cumsum(whole.counts)
    ranks = np.maximum(1, np.ceil(percents / 100 * whole.total - 1e-9))
    seconds = buckets.highest_us(np.searchsorted(cumulative, ranks)) / 1e6
    low, high = _bounds(run, metric, percents) if has_interval else ((), ())
    return Curve(tuple(percents.tolist()), tuple(seconds.tolist()), low, high)


def _nines(count: int) -> NDArray[np.float64]:
    """Percents at even steps of nines, from 0 on to the last that `count` answers allow."""
    last = -math.log10(-math.expm1(math.log(_CONFIDENCE) / count))
    return 100 * (1 - 10.0 ** -(np.arange(math.floor(last * _PER_NINE) + 1) / _PER_NINE))


def _bounds(
    run: Recording, metric: str, percents: NDArray[np.float64]
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Lower and upper bound in seconds at each percent, None where the run is too short for one."""
    sample = Resample(run)
    reached = [percent for percent in percents.tolist() if sample.is_enough_for(percent)]
    if not reached:
        return (), ()
    drawn = sample.percentiles(metric, lambda _: True, reached)
    known = {percent: interval(values) for percent, values in zip(reached, drawn, strict=True)}
    bounds = [known.get(percent, (None, None)) for percent in percents.tolist()]
    return tuple(low for low, _ in bounds), tuple(high for _, high in bounds)
