"""A run's course: what was planned, sent and answered, and how fast, span by span."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Counts, Histogram, Interval, Recording, buckets

#: Spans of a course at most: more than a chart has pixels for helps nobody.
MOST_SPANS: Final = 600
#: Answers below which a percentile has no one-sided 95 % bound: ln(0.05) / ln(p).
_NEEDED: Final = {50.0: 5, 95.0: 59, 99.0: 299}
#: Windows of percentiles that a run is cut into at least, where it is long enough for so many.
_FEWEST_WINDOWS: Final = 12
#: A heat map's columns at most, and its rows in a factor of ten.
_MOST_COLUMNS: Final = 120
_ROWS_PER_DECADE: Final = 12


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds at p50, p95 and p99 of what was answered in each window of `width_s`, from the run's start on.

    None where a window has too few answers: 5, 59 and 299.
    """

    width_s: int
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    p99: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Counts of ok answers, `cells[column][row]`: columns are spans of `width_s`, rows lie between `edges_s`."""

    width_s: int
    edges_s: tuple[float, ...]
    cells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class OverTime:
    """Counts by span of `width_s`, from the run's start on, all of one length.

    `planned` were due in the span, `sent` were sent and `outcomes` ended in it; outcomes that never occurred are left
    out. `in_flight` is the highest at the end of a second. `tokens_in` holds cached ones, too. `warmup` requests were
    due in the warm-up: they were in flight, but are in nothing else.
    """

    width_s: int
    planned: tuple[int, ...]
    sent: tuple[int, ...]
    in_flight: tuple[int, ...]
    outcomes: Mapping[Outcome, tuple[int, ...]]
    tokens_in: tuple[int, ...]
    tokens_out: tuple[int, ...]
    usd: tuple[Decimal, ...]
    latency: Percentiles
    ttft: Percentiles
    heat: HeatMap
    warmup: int = 0

    @property
    def start_s(self) -> tuple[int, ...]:
        """Where each span begins."""
        return tuple(range(0, len(self.planned) * self.width_s, self.width_s))


def over_time(run: Recording) -> OverTime:
    """The course of a run, in at most MOST_SPANS spans of whole seconds; nothing at all for an empty recording."""
    seconds = run.intervals[-1].second + 1 if run.intervals else 0
    width_s = max(1, math.ceil(seconds / MOST_SPANS))
    spans = _spans(run.intervals, seconds, width_s)
    cells = [_cells(span) for span in spans]
    ended = [_ended(one) for one in cells]
    seen = [outcome for outcome in Outcome if any(outcome in one for one in ended)]
    return OverTime(
        width_s=width_s,
        planned=tuple(sum(one.planned - one.warm_planned for one in span) for span in spans),
        sent=tuple(sum(one.sent - one.warm_sent for one in span) for span in spans),
        in_flight=tuple(max((one.in_flight for one in span), default=0) for span in spans),
        outcomes={outcome: tuple(one[outcome] for one in ended) for outcome in seen},
        tokens_in=tuple(sum(cell.input + cell.cache_read + cell.cache_write for _, cell in one) for one in cells),
        tokens_out=tuple(sum(cell.output for _, cell in one) for one in cells),
        usd=tuple(sum((cell.usd for _, cell in one), Decimal(0)) for one in cells),
        latency=_percentiles(run.intervals, seconds, "latency"),
        ttft=_percentiles(run.intervals, seconds, "ttft"),
        heat=_heat(run.intervals, seconds),
        warmup=sum(one.warm_planned for one in run.intervals),
    )


def _spans(intervals: Sequence[Interval], seconds: int, width_s: int) -> list[list[Interval]]:
    spans: list[list[Interval]] = [[] for _ in range(math.ceil(seconds / width_s))]
    for interval in intervals:
        spans[interval.second // width_s].append(interval)
    return spans


def _cells(span: Iterable[Interval]) -> list[tuple[CellKey, Cell]]:
    return [pair for interval in span for pair in (interval.cells or {}).items()]


def _ended(cells: Iterable[tuple[CellKey, Cell]]) -> Counter[Outcome]:
    ended: Counter[Outcome] = Counter()
    for key, cell in cells:
        ended[key.outcome] += cell.count
    return ended


def _answers(intervals: Iterable[Interval], metric: str) -> Histogram:
    """The histogram of one metric of the ok answers, all parts of the traffic together."""
    return Histogram(_counts(intervals, metric))


def _counts(intervals: Iterable[Interval], metric: str) -> Iterable[Counts]:
    for interval in intervals:
        for series, counts in (interval.counts or {}).items():
            if series.is_ok and series.metric == metric:
                yield counts


def _percentiles(intervals: Sequence[Interval], seconds: int, metric: str) -> Percentiles:
    """By windows wide enough for a p95 in the usual one, where the run has answers enough for that."""
    total = sum(counts.total for counts in _counts(intervals, metric))
    narrowest = max(1, math.ceil(seconds / MOST_SPANS))
    wanted = math.ceil(1.5 * _NEEDED[95.0] * seconds / total) if total else narrowest
    width_s = max(narrowest, min(wanted, seconds // _FEWEST_WINDOWS))
    windows = [_answers(span, metric) for span in _spans(intervals, seconds, width_s)]
    p50, p95, p99 = ([_percentile(window, percent) for window in windows] for percent in _NEEDED)
    return Percentiles(width_s, tuple(p50), tuple(p95), tuple(p99))


def _percentile(window: Histogram, percent: float) -> float | None:
    return window.percentile_s(percent) if window.total >= _NEEDED[percent] else None


def _heat(intervals: Sequence[Interval], seconds: int) -> HeatMap:
    width_s = max(1, math.ceil(seconds / _MOST_COLUMNS))
    used = np.flatnonzero(_answers(intervals, "latency").counts)
    if not len(used):
        return HeatMap(width_s, (), ())
    # Whatever took under a microsecond lies in the lowest row.
    lowest_us, highest_us = (max(1.0, float(one)) for one in buckets.middle_us(used[[0, -1]]))
    low = math.floor(math.log10(lowest_us) * _ROWS_PER_DECADE)
    high = math.floor(math.log10(highest_us) * _ROWS_PER_DECADE) + 1
    edges_us = 10.0 ** (np.arange(low, high + 1) / _ROWS_PER_DECADE)
    rows = np.clip(
        np.searchsorted(edges_us, buckets.middle_us(np.arange(buckets.SIZE)), "right") - 1, 0, high - low - 1
    )
    columns = []
    for span in _spans(intervals, seconds, width_s):
        column = np.zeros(high - low, dtype=np.int64)
        for counts in _counts(span, "latency"):
            np.add.at(column, rows[counts.indices], counts.counts)
        columns.append(tuple(column.tolist()))
    return HeatMap(width_s, tuple((edges_us / 1e6).tolist()), tuple(columns))
