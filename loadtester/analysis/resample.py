"""How far a run's figures would scatter if it were run again: a circular block bootstrap over its seconds.

The answers of a load test are alike to their neighbours, so an interval that takes them for independent is several
times too narrow. Here a figure is a ratio of sums over seconds, R = Σ N_t / Σ D_t, and what is resampled, in blocks, is
its influence series u_t = N_t - R·D_t: a run drawn anew has R + Σ u / Σ D. A percentile is no ratio, but the part of
the answers at or below it is, and the run's own quantile function takes its scatter back to seconds (Woodruff, JASA 47,
1952; Bahadur, Ann. Math. Stat. 37, 1966). Blocks are as long as Politis and White say (cost/bootstrap.py), for each
series its own; what few blocks can't know of their own scatter is made up for as in Student's t.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtester.cost import bootstrap
from loadtester.recorder import buckets, measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtester.analysis.figures import Part
    from loadtester.model import CellKey, Series
    from loadtester.recorder import Cell, Column, Recording

Floats = NDArray[np.float64]

REPLICATES: Final = 1_000
#: A report of the same run is the same report.
SEED: Final = 1
#: Seconds below which nothing is said.
FEWEST_S: Final = bootstrap.FEWEST_S
#: Longer runs are resampled in spans of several seconds, which bounds time and memory.
_MOST_SPANS: Final = 512
#: Metrics whose counts are kept at hand: parts of the traffic ask for latency and TTFT in turn.
_KEPT_METRICS: Final = 2
#: How many times the least number of samples of a percentile a run has to have of seconds.
_PERIODS: Final = 2.0
_TAIL: Final = 0.025
_Z: Final = 1.959963984540054
#: Scatter is also taken from blocks of a fifth of the run, whatever its series seem to need (coverage: tests/bench).
_LONG_BLOCKS: Final = 5.0


class _Points(NamedTuple):
    """The counts of one series: of each span and bucket three arrays of one shape, and their sums.

    `histogram` has shape (buckets,), `sums_s` (of values) and `totals` (of counts) have shape (spans,).
    """

    spans: NDArray[np.int32]
    indices: NDArray[Any]
    counts: NDArray[Any]
    histogram: NDArray[Any]
    sums_s: NDArray[Any]
    totals: NDArray[Any]


class Drawn(NamedTuple):
    """Replicates of one metric on a part: `percentiles`, shape (percents, replicates), and of its `mean`, in seconds.

    `effective` is how many independent values the mean is worth; None where they don't scatter.
    """

    percentiles: Floats
    mean: Floats
    effective: int | None


class Resample:
    """A run's seconds, from the first that was measured to the last, and `REPLICATES` ways to draw them anew.

    Arrays of replicates have shape (replicates,) and lie around the run's own figure; `interval` turns them into its
    95 % interval. Replicates of different figures are not drawn together: don't pair them one by one. Below `FEWEST_S`
    seconds `is_enough` is False, and replicates say nothing.
    """

    __slots__ = (
        "_cells",
        "_columns",
        "_counters",
        "_first",
        "_intervals",
        "_known",
        "_seed",
        "_starts",
        "_width",
        "seconds",
    )

    def __init__(self, run: Recording, *, seed: int = SEED) -> None:
        self._intervals = measured(run.intervals)
        self._seed = seed
        self._first = self._intervals[0].second if self._intervals else 0
        self.seconds = self._intervals[-1].second - self._first + 1 if self._intervals else 0
        self._width = max(1, math.ceil(self.seconds / _MOST_SPANS))
        self._starts: dict[int, NDArray[np.float32]] = {}
        self._known: dict[str, dict[Series, _Points]] = {}
        self._cells: dict[CellKey, list[tuple[int, Cell]]] = defaultdict(list)
        self._counters: dict[tuple[CellKey, str], Floats] = {}
        self._columns = run.columns()

    @property
    def is_enough(self) -> bool:
        """Whether there are seconds enough for an interval."""
        return self.seconds >= FEWEST_S

    def is_enough_for(self, percent: float) -> bool:
        """Whether the run is long enough for an interval of this percentile."""
        return self.seconds >= seconds_for(percent)

    def column(self, part: Part, value: Callable[[CellKey, Cell], float]) -> Floats:
        """A sum over the part's cells for each second, shape (seconds,)."""
        column = np.zeros(self.seconds)
        for interval in self._intervals:
            for key, cell in (interval.cells or {}).items():
                if part(key):
                    column[interval.second - self._first] += value(key, cell)
        return column

    def counter(self, part: Part, name: str) -> Floats:
        """A counter of the part's cells for each second, shape (seconds,)."""
        if not self._cells:
            for interval in self._intervals:
                for key, cell in (interval.cells or {}).items():
                    self._cells[key].append((interval.second - self._first, cell))
        column = np.zeros(self.seconds)
        for key, cells in self._cells.items():
            if part(key):
                known = self._counters.get((key, name))
                if known is None:
                    known = self._counters[key, name] = np.zeros(self.seconds)
                    known[[second for second, _ in cells]] = [getattr(cell, name) for _, cell in cells]
                column += known
        return column

    def scatter(self, influence: Floats) -> Floats:
        """Replicates of the sum of an influence series of shape (seconds,), itself 0: how far a figure would be off."""
        return self.ratio(influence, np.full(self.seconds, 1.0 / self.seconds))

    def ratio(self, numerator: Floats, denominator: Floats) -> Floats:
        """Replicates of Σ numerator / Σ denominator, columns of shape (seconds,); the denominator's sum is above 0."""
        result: Floats = self.ratios(numerator[:, None], denominator[:, None])[0]
        return result

    def ratios(self, numerators: Floats, denominators: Floats) -> Floats:
        """Replicates of several ratios: columns of shape (seconds, n) become shape (n, replicates)."""
        return self._scatter(self._spans(numerators), self._spans(denominators))

    def percentile(self, metric: str, part: Part, percent: float, *, is_ok: bool | None = True) -> Floats:
        """Replicates of a percentile in seconds of what has at least one value; `is_ok` None takes all outcomes."""
        result: Floats = self.spread(metric, part, (percent,), is_ok=is_ok).percentiles[0]
        return result

    def percentiles(self, metric: str, part: Part, percents: Sequence[float], *, is_ok: bool | None = True) -> Floats:
        """Replicates of several percentiles of one metric, shape (percents, replicates)."""
        return self.spread(metric, part, percents, is_ok=is_ok).percentiles

    def spread(self, metric: str, part: Part, percents: Sequence[float], *, is_ok: bool | None = True) -> Drawn:
        """Replicates of percentiles and of the mean of what has at least one value; `is_ok` None takes all outcomes."""
        points = self._points(metric, part, is_ok)
        histogram = np.sum([one.histogram for one in points], axis=0)
        totals = np.sum([one.totals for one in points], axis=0)
        cumulative = np.cumsum(histogram)
        count = float(cumulative[-1])
        shares = np.array(percents) / 100.0
        below = self._below(points, _bucket(cumulative, shares))
        numerators = np.column_stack([below, np.sum([one.sums_s for one in points], axis=0)])
        drawn = self._scatter(numerators, np.repeat(totals[:, None], len(percents) + 1, axis=1))
        at = below.sum(axis=0) / count
        shifted = shares[:, None] - (drawn[:-1] - at[:, None])
        used = np.flatnonzero(histogram)
        values = buckets.middle_us(used) / 1e6
        mean = float(np.dot(values, histogram[used])) / count
        variance = float(np.dot((values - mean) ** 2, histogram[used])) / count
        return Drawn(
            percentiles=buckets.highest_us(_bucket(cumulative, shifted)) / 1e6,
            mean=drawn[-1],
            effective=effective(drawn[-1], variance, int(count)),
        )

    def _below(self, points: Sequence[_Points], edges: NDArray[np.int64]) -> Floats:
        """How many values of each span lie at or below the buckets `edges`, shape (spans, edges)."""
        order = np.argsort(edges, kind="stable")
        kinds = len(edges) + 1
        # How many of the edges lie below each bucket: 0 at or below all of them.
        above = np.searchsorted(edges[order], np.arange(buckets.SIZE), side="left").astype(np.int32)
        table = np.zeros(self._n_spans * kinds)
        for one in points:
            table += np.bincount(one.spans * kinds + above[one.indices], weights=one.counts, minlength=len(table))
        below = np.empty((self._n_spans, len(edges)))
        below[:, order] = np.cumsum(table.reshape(-1, kinds)[:, :-1], axis=1)
        return below

    def mean(self, metric: str, part: Part, *, is_ok: bool | None = True) -> Floats:
        """Replicates of a mean, in seconds."""
        return self.spread(metric, part, (), is_ok=is_ok).mean

    def answerers(self, part: Part) -> set[str]:
        """The models that answered in this part."""
        keys = {key for one in self._intervals for key in one.cells or {}} if not self._cells else set(self._cells)
        return {key.answered_by for key in keys if part(key)} - {""}

    def effective(self, metric: str, part: Part, *, is_ok: bool | None = True) -> int | None:
        """How many independent values the mean of these is worth; None where they don't scatter."""
        return self.spread(metric, part, (), is_ok=is_ok).effective

    @property
    def _n_spans(self) -> int:
        return -(-self.seconds // self._width)

    def _points(self, metric: str, part: Part, is_ok: bool | None) -> list[_Points]:
        if metric not in self._known and len(self._known) == _KEPT_METRICS:
            del self._known[next(iter(self._known))]
        known = self._known.setdefault(metric, {})
        wanted = [s for s in self._columns if s.metric == metric and is_ok in (None, s.is_ok) and part(s)]
        for series in wanted:
            if series not in known:
                known[series] = self._series(self._columns[series])
        return [known[series] for series in wanted]

    def _series(self, column: Column) -> _Points:
        mine = column.part(self._first, self._first + self.seconds)
        return _Points(
            mine.places(self._width),
            mine.indices,
            mine.counts,
            np.bincount(mine.indices, weights=mine.counts, minlength=buckets.SIZE),
            mine.sums_s(self._width),
            mine.totals(self._width),
        )

    def _spans(self, columns: Floats) -> Floats:
        if self._width == 1:
            return columns
        starts = np.arange(0, len(columns), self._width)
        return np.add.reduceat(columns, starts, axis=0)

    def _scatter(self, numerators: NDArray[Any], denominators: NDArray[Any]) -> Floats:
        """Replicates of the ratios of columns of shape (spans, n), as shape (n, replicates)."""
        whole = denominators.sum(axis=0)
        ratios = numerators.sum(axis=0) / whole
        influence = (numerators - ratios * denominators) / whole
        n = len(influence)
        drawn = np.empty((influence.shape[1], REPLICATES))
        long = half_width(influence, round(n / _LONG_BLOCKS))
        lengths = np.array([_on_grid(bootstrap.block_length(series)) for series in influence.T])
        for length in np.unique(lengths).tolist():
            those = lengths == length
            blocks = _blocks(influence[:, those], length)
            wanted = np.maximum(half_width(influence[:, those], length), long[those])
            usual = _Z * np.sqrt(blocks.var(axis=0) * _count(n, length))
            sums = self._drawn(length) @ (blocks - blocks.mean(axis=0)).astype(np.float32)
            drawn[those] = sums.T * (wanted / np.where(usual > 0.0, usual, 1.0))[:, None]
        result: Floats = ratios[:, None] + drawn
        return result

    def _drawn(self, length: int) -> NDArray[np.float32]:
        """How often each replicate draws the block that begins at each span, shape (replicates, spans)."""
        known = self._starts.get(length)
        if known is None:
            n = self._n_spans
            starts = np.random.default_rng([self._seed, length]).integers(0, n, size=(REPLICATES, _count(n, length)))
            places = (starts + np.arange(REPLICATES)[:, None] * n).ravel()
            known = np.bincount(places, minlength=REPLICATES * n).astype(np.float32).reshape(REPLICATES, n)
            self._starts[length] = known
        return known


def seconds_for(percent: float) -> float:
    """How long a run has to be for an interval of this percentile, in seconds: infinite for p0 and p100.

    With s seconds whose answers are all alike, no bound of it exists below s = ln(0.05) / ln(p); twice as many are
    asked for. Both ends of a distribution are tails: a p1 takes as long as a p99. That goes by the run's length alone:
    a run that a burst happened to miss looks steady, so a rule that asks the run how steady it was keeps the intervals
    that are wrong (measured: docs/measurement.md).
    """
    share = max(percent, 100.0 - percent) / 100.0
    if share >= 1.0:
        return math.inf
    return max(FEWEST_S, math.ceil(_PERIODS * math.log(0.05) / math.log(share)))


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the replicates."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return float(low), float(high)


def effective(values: Floats, variance: float, count: int) -> int | None:
    """The sample size at which independent values of this variance would have a mean that scatters like `values`."""
    scatter = float(np.var(values))
    return max(1, min(count, round(variance / scatter))) if scatter > 0.0 and variance > 0.0 else None


def _bucket(cumulative: NDArray[Any], shares: Floats) -> NDArray[np.int64]:
    """The bucket of the value at rank ceil(share · n), of shares of any shape."""
    ranks = np.clip(np.ceil(shares * cumulative[-1] - 1e-9), 1, cumulative[-1])
    result: NDArray[np.int64] = np.searchsorted(cumulative, ranks)
    return result


def _count(n: int, length: int) -> int:
    return max(1, round(n / length))


def _on_grid(length: int) -> int:
    """The nearest of 1, 2, 3, 4, 6, 8, 11, 16 …: figures that share a length share what is drawn."""
    return round(2 ** (round(2 * math.log2(length)) / 2))


def _blocks(series: Floats, length: int) -> Floats:
    """Sums of the blocks that begin at each span, the last ones going on at the start; shape as `series`."""
    wrapped = np.concatenate([np.zeros((1, series.shape[1])), series, series[: length - 1]])
    reach = np.cumsum(wrapped, axis=0)
    result: Floats = reach[length:] - reach[:-length]
    return result


def half_width(series: Floats, length: int) -> Floats:
    """Half a 95 % interval of each series' sum, shape (n,), from the variance of its blocks.

    So few blocks as a short run has don't know their own variance well, and their mean took a part of it: Student's t
    with a degree less than there are blocks, times √(k / (k - 1)).
    """
    from scipy.special import stdtrit  # noqa: PLC0415  heavy, and only reports need it

    n = len(series)
    length = max(1, length)
    blocks = max(n / length, 3.0)
    spread = np.sqrt(_blocks(series, length).var(axis=0) * n / length)
    result: Floats = float(stdtrit(blocks - 1.0, 1.0 - _TAIL)) * math.sqrt(blocks / (blocks - 1.0)) * spread
    return result
