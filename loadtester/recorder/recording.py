"""What a run leaves behind, second by second. Merging is addition: associative, the empty recording its identity."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import add, attrgetter
from typing import Final, TypeVar

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder.columns import Column
from loadtester.recorder.exchanges import Exchange
from loadtester.recorder.gatherer import columns_of
from loadtester.recorder.histogram import Counts, Histogram

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Cell:
    """Counters of the requests that ended alike in one second; every field adds up.

    `sent` of them had been sent, `in_slo` finished within the SLO, `held` waited for their conversation's previous
    answer. Tokens are sums; `estimated` answers had theirs estimated. `exact_hits` and `semantic_hits` came from
    that layer of the target's own cache. `retried` of them were throttled and tried again, `retries` times in all.
    `reconnects` connections were opened in the place of one that their conversation had lost. `degraded` answers had
    to do without a store of the target's. Of the tokens, `also_…` are those of `also_calls` calls that the target made
    for these messages, and whose answer it did not give.
    """

    count: int = 0
    sent: int = 0
    in_slo: int = 0
    held: int = 0
    estimated: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    exact_hits: int = 0
    semantic_hits: int = 0
    retried: int = 0
    retries: int = 0
    reconnects: int = 0
    degraded: int = 0
    also_calls: int = 0
    also_input: int = 0
    also_output: int = 0
    also_cache_read: int = 0
    also_cache_write: int = 0
    usd: Decimal = Decimal(0)

    def merge(self, other: Cell) -> Cell:
        """Both together."""
        return Cell(*map(add, _FIELDS(self), _FIELDS(other)))


_FIELDS: Final = attrgetter(*Cell.__slots__)


@dataclass(frozen=True, slots=True)
class Interval:
    """One second of a run: what was due, sent and finished in it.

    `in_flight` is the state at its end; `cpu_s` the processor time the generator used, `busiest_s` that of the worker
    with the most; `stall_s` the longest time that the event loop was away. `failures` counts what was said of requests
    that did not end ok.

    `planned` and `sent` are of all requests, `warm_planned` and `warm_sent` of those due in the warm-up. These have
    their counters in `warm`, and are in neither `cells` nor `counts` nor `failures`. `exchanges` ended in this
    second and are kept to be looked at; they are in a file of their own, and not read back with the rest.
    """

    second: int
    planned: int = 0
    sent: int = 0
    in_flight: int = 0
    cpu_s: float = 0.0
    busiest_s: float = 0.0
    stall_s: float = 0.0
    cells: Mapping[CellKey, Cell] | None = None
    counts: Mapping[Series, Counts] | None = None
    failures: Mapping[tuple[Outcome, str], int] | None = None
    warm_planned: int = 0
    warm_sent: int = 0
    warm: Mapping[CellKey, Cell] | None = None
    exchanges: tuple[Exchange, ...] | None = None

    @property
    def is_measured(self) -> bool:
        """Whether anything but the warm-up was due or ended in it."""
        return self.planned > self.warm_planned or bool(self.cells or self.counts)

    def merge(self, other: Interval) -> Interval:
        """Both together; they are the same second of two shards."""
        return Interval(
            second=self.second,
            planned=self.planned + other.planned,
            sent=self.sent + other.sent,
            in_flight=self.in_flight + other.in_flight,
            cpu_s=self.cpu_s + other.cpu_s,
            busiest_s=max(self.busiest_s, other.busiest_s),
            stall_s=max(self.stall_s, other.stall_s),
            cells=_merged(self.cells, other.cells, Cell.merge),
            counts=_merged(self.counts, other.counts, Counts.merge),
            failures=_merged(self.failures, other.failures, add),
            warm_planned=self.warm_planned + other.warm_planned,
            warm_sent=self.warm_sent + other.warm_sent,
            warm=_merged(self.warm, other.warm, Cell.merge),
            exchanges=((self.exchanges or ()) + (other.exchanges or ())) or None,
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """All seconds of a run, sorted, each once.

    `known` are the columns of a run that was read back: its intervals' own counts are views of them.
    """

    intervals: tuple[Interval, ...] = ()
    known: Mapping[Series, Column] | None = None

    def merge(self, other: Recording) -> Recording:
        """Both together."""
        return recording([*self.intervals, *other.intervals])

    def columns(self) -> Mapping[Series, Column]:
        """The histograms of all seconds from 0 to the last, by series."""
        if self.known is not None:
            return self.known
        last = self.intervals[-1].second if self.intervals else -1
        return columns_of(((one.second, one.counts or {}) for one in self.intervals), last + 1)

    def histograms(self) -> dict[Series, Histogram]:
        """The whole run's histogram of each series."""
        return {series: column.histogram() for series, column in self.columns().items()}

    def cells(self) -> dict[CellKey, Cell]:
        """The counters of the whole run, but for its warm-up."""
        return _added(interval.cells for interval in self.intervals)

    def warm(self) -> dict[CellKey, Cell]:
        """The counters of the warm-up."""
        return _added(interval.warm for interval in self.intervals)

    def failures(self) -> Counter[tuple[Outcome, str]]:
        """What was said of the requests that did not end ok, and how often."""
        totals: Counter[tuple[Outcome, str]] = Counter()
        for interval in self.intervals:
            totals.update(interval.failures or {})
        return totals


def measured(intervals: Sequence[Interval]) -> Sequence[Interval]:
    """The seconds from the first on in which anything that counts was due or ended; a warm-up does not count."""
    return intervals[next((place for place, one in enumerate(intervals) if one.is_measured), len(intervals)) :]


def recording(intervals: Iterable[Interval]) -> Recording:
    """Sort intervals by second, merging those of the same second."""
    seconds: dict[int, Interval] = {}
    for interval in intervals:
        known = seconds.get(interval.second)
        seconds[interval.second] = interval if known is None else known.merge(interval)
    return Recording(tuple(seconds[second] for second in sorted(seconds)))


def _added(parts: Iterable[Mapping[CellKey, Cell] | None]) -> dict[CellKey, Cell]:
    """The cells of each key together: field by field, which takes a third of the time of one after the other."""
    found: defaultdict[CellKey, list[Cell]] = defaultdict(list)
    for part in parts:
        for key, cell in (part or {}).items():
            found[key].append(cell)
    return {
        key: Cell(*map(sum, zip(*map(_FIELDS, cells), strict=True)))  # type: ignore[arg-type]  # of each field's own type
        for key, cells in found.items()
    }


def _merged(mine: Mapping[K, V] | None, theirs: Mapping[K, V] | None, merge: Callable[[V, V], V]) -> dict[K, V]:
    both = dict(mine or {})
    for key, value in (theirs or {}).items():
        both[key] = merge(both[key], value) if key in both else value
    return both
