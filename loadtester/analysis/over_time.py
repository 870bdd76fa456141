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
from loadtester.recorder import Cell, Column, Histogram, Interval, Recording, buckets, together

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
    latency = _answers(run, "latency")
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
        latency=_percentiles(latency, seconds),
        ttft=_percentiles(_answers(run, "ttft"), seconds),
        heat=_heat(latency, seconds),
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


def _answers(run: Recording, metric: str) -> Column | None:
    """The values of one metric of the ok answers, all parts of the traffic together; None where there is none."""
    parts = [column for series, column in run.columns().items() if series.is_ok and series.metric == metric]
    return together(parts) if parts else None


def _percentiles(answers: Column | None, seconds: int) -> Percentiles:
    """By windows wide enough for a p95 in the usual one, where the run has answers enough for that."""
    total = 0 if answers is None else int(answers.counts.sum())
    narrowest = max(1, math.ceil(seconds / MOST_SPANS))
    wanted = math.ceil(1.5 * _NEEDED[95.0] * seconds / total) if total else narrowest
    width_s = max(narrowest, min(wanted, seconds // _FEWEST_WINDOWS))
    starts = range(0, seconds, width_s)
    windows = [_told(answers, start, min(start + width_s, seconds)) for start in starts]
    p50, p95, p99 = (tuple(window.get(percent) for window in windows) for percent in _NEEDED)
    return Percentiles(width_s, p50, p95, p99)


def _told(answers: Column | None, start: int, end: int) -> dict[float, float]:
    """The percentiles in seconds that the answers of these seconds are enough for."""
    window = Histogram() if answers is None else answers.part(start, end).histogram()
    total = window.total
    told = [percent for percent, needed in _NEEDED.items() if total >= needed]
    return dict(zip(told, window.percentiles_s(told), strict=True)) if told else {}


def _heat(answers: Column | None, seconds: int) -> HeatMap:
    width_s = max(1, math.ceil(seconds / _MOST_COLUMNS))
    if answers is None or not len(answers.indices):
        return HeatMap(width_s, (), ())
    # Whatever took under a microsecond lies in the lowest row.
    ends = np.array([answers.indices.min(), answers.indices.max()])
    lowest_us, highest_us = (max(1.0, float(one)) for one in buckets.middle_us(ends))
    low = math.floor(math.log10(lowest_us) * _ROWS_PER_DECADE)
    high = math.floor(math.log10(highest_us) * _ROWS_PER_DECADE) + 1
    edges_us = 10.0 ** (np.arange(low, high + 1) / _ROWS_PER_DECADE)
    rows = np.clip(
        np.searchsorted(edges_us, buckets.middle_us(np.arange(buckets.SIZE)), "right") - 1, 0, high - low - 1
    )
    columns, height = math.ceil(seconds / width_s), high - low
    places = answers.places(width_s) * height + rows[answers.indices]
    counts = np.bincount(places, weights=answers.counts, minlength=columns * height).astype(np.int64)
    return HeatMap(
        width_s, tuple((edges_us / 1e6).tolist()), tuple(map(tuple, counts.reshape(columns, height).tolist()))
    )
