"""Takes each request's outcome as it comes, and once a second turns what came into an Interval and CSV rows."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Final

from loadtester.model import CellKey, Ending, Outcome, Request, Usage
from loadtester.recorder.keeper import Keeper
from loadtester.recorder.keeping_probe import KeepingProbe
from loadtester.recorder.measured import Measured, counts_of
from loadtester.recorder.probe import Probe
from loadtester.recorder.recording import Cell, Interval
from loadtester.recorder.rows import Rows, row
from loadtester.recorder.split import Stages
from loadtester.workload import ASCII_CHARS_PER_TOKEN, estimate

#: From due to the end of the first attempt, where throttled requests are tried again; ok where that attempt was.
FIRST_ATTEMPT: Final = "first_attempt"

Price = Callable[[str, Usage], Decimal | None]

#: Endings of requests that the model worked on, and is paid for; the others were turned away.
_WORKED_ON: Final = frozenset(
    {
        Outcome.OK,
        Outcome.TRUNCATED,
        Outcome.FILTERED,
        Outcome.INVALID,
        Outcome.BROKEN,
        Outcome.TIMEOUT,
        Outcome.MODEL_TIMEOUT,
        Outcome.CANCELLED,
    }
)

#: Different reasons kept in one second: what a target says may never say the same thing twice.
_MOST_REASONS = 20

#: Accounts of answers' time that are looked at together.
_ACCOUNTS = 256

_CELL_FIELDS = [field.name for field in fields(Cell)]
(
    _COUNT,
    _SENT,
    _IN_SLO,
    _HELD,
    _ESTIMATED,
    _INPUT,
    _OUTPUT,
    _CACHE_READ,
    _CACHE_WRITE,
    _REASONING,
    _EXACT_HITS,
    _SEMANTIC_HITS,
    _RETRIED,
    _RETRIES,
    _RECONNECTS,
    _DEGRADED,
    _ALSO_CALLS,
    _ALSO_INPUT,
    _ALSO_OUTPUT,
    _ALSO_CACHE_READ,
    _ALSO_CACHE_WRITE,
    _USD,
) = range(len(_CELL_FIELDS))


class Recorder:
    """Counts and measures one shard's requests; not thread-safe, owned by the engine.

    Memory does not grow with the number of requests: each `flush` hands over what came since the last.
    """

    def __init__(
        self, *, slo_s: float, price: Price, worker: int = 0, warmup_s: float = 0.0, keeper: Keeper | None = None
    ) -> None:
        #: Requests due before this belong to the warm-up.
        self.warm_ns = round(warmup_s * 1e9)
        self._slo_ns = round(slo_s * 1e9)
        self._price = price
        self._worker = worker
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self._warm: dict[tuple[str, str, str], _Group] = {}
        self._failures: Counter[tuple[Outcome, str]] = Counter()
        self._stages = Stages()
        self._rows = Rows()
        self._keeper = keeper
        #: Makes the stopwatch of a request, from the run's clock and when it is due.
        self.probe: Callable[[Callable[[], int], int], Probe] = Probe if keeper is None else KeepingProbe
        self._cpu_s = time.process_time()

    def add(self, request: Request, probe: Probe, ending: Ending) -> None:
        """Record a request that was sent; `probe.done` has been called."""
        usage = ending.usage
        if usage is None and request.model and (ending.outcome in _WORKED_ON or probe.n_chunks):
            usage = _estimate(request, probe)
        answered_by = ending.model or (request.model if usage is not None else "")
        usd = None if usage is None else self._price(answered_by, usage)
        is_warm = probe.due_ns < self.warm_ns
        group = self._group(request, is_warm=is_warm)
        cell = group.cell(answered_by, ending.outcome)
        self._count(cell, probe, usage, usd)
        if ending.cache is not None:
            cell[_EXACT_HITS if ending.cache == "exact" else _SEMANTIC_HITS] += 1
        cell[_DEGRADED] += bool(ending.degraded)
        for model, told in ending.also_used:
            used = _estimate(request, probe) if told is None else told
            paid = self._price(model, used)
            other = group.cell(model, ending.outcome)
            other[_ESTIMATED] += used.is_estimated
            _count_tokens(other, used, paid)
            _count_also(other, used)
            usd = None if usd is None or paid is None else usd + paid
        if is_warm:
            cell[_RETRIED] += probe.retries > 0
            cell[_RETRIES] += probe.retries
        else:
            self._sample(group, cell, probe, ending)
            if self._keeper is not None and isinstance(probe, KeepingProbe):
                self._keeper.add(request, probe, ending, usage, usd)
        self._rows.add(row(request, probe, ending, usage, usd, self._worker, is_warm=is_warm))

    def _sample(self, group: _Group, cell: list[int | Decimal], probe: Probe, ending: Ending) -> None:
        """Measure what was not due in the warm-up."""
        samples = group.ok if ending.outcome is Outcome.OK else group.other
        samples.add(probe, ending)
        if probe.attempted_ns is not None:
            _count_attempts(group, cell, probe, probe.attempted_ns)
        # The time between attempts is nobody's: neither the app's nor the network's.
        if (
            ending.timing_s is not None
            and not probe.retries
            and probe.done_ns is not None
            and probe.sent_ns is not None
        ):
            samples.accounts.append((ending.timing_s, probe.done_ns - probe.sent_ns))
            if len(samples.accounts) == _ACCOUNTS:
                self._stages.add_each(samples.split, samples.accounts)
        if ending.outcome is not Outcome.OK:
            self._explain(ending)

    def add_unsent(self, request: Request, due_ns: int, ending: Ending) -> None:
        """Record a planned request that was never sent: dropped, or cancelled before its turn."""
        is_warm = due_ns < self.warm_ns
        self._group(request, is_warm=is_warm).cell("", ending.outcome)[_COUNT] += 1
        self._rows.add(row(request, Probe(_no_clock, due_ns), ending, None, None, self._worker, is_warm=is_warm))

    def flush(
        self,
        second: int,
        *,
        planned: int,
        sent: int,
        in_flight: int,
        stall_s: float,
        warm_planned: int = 0,
        warm_sent: int = 0,
    ) -> tuple[Interval, bytes]:
        """What came since the last flush, as second `second` of the run, and its gzipped CSV rows; then forget it."""
        for group in self._groups.values():
            for samples in (group.ok, group.other):
                if samples.accounts:
                    self._stages.add_each(samples.split, samples.accounts)
        cpu_s = time.process_time()
        interval = Interval(
            second=second,
            planned=planned,
            sent=sent,
            in_flight=in_flight,
            cpu_s=cpu_s - self._cpu_s,
            busiest_s=cpu_s - self._cpu_s,
            stall_s=stall_s,
            cells=_cells(self._groups),
            failures=self._failures,
            counts=counts_of(
                (names, samples is group.ok, samples)
                for names, group in self._groups.items()
                for samples in (group.ok, group.other)
            ),
            warm_planned=warm_planned,
            warm_sent=warm_sent,
            warm=_cells(self._warm),
            exchanges=None if self._keeper is None else self._keeper.take(),
        )
        self._cpu_s = cpu_s
        self._groups = {}
        self._warm = {}
        self._failures = Counter()
        return interval, self._rows.take()

    def _explain(self, ending: Ending) -> None:
        key = (ending.outcome, ending.detail or "")
        if key not in self._failures and len(self._failures) >= _MOST_REASONS:
            key = (ending.outcome, "other reasons")
        self._failures[key] += 1

    def _group(self, request: Request, *, is_warm: bool) -> _Group:
        groups = self._warm if is_warm else self._groups
        key = (request.query, request.kind, request.model)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group()
        return group

    def _count(self, cell: list[int | Decimal], probe: Probe, usage: Usage | None, usd: Decimal | None) -> None:
        cell[_COUNT] += 1
        cell[_SENT] += 1
        cell[_HELD] += probe.is_held
        cell[_RECONNECTS] += probe.reconnects
        if probe.done_ns is not None and probe.done_ns - probe.due_ns <= self._slo_ns:
            cell[_IN_SLO] += 1
        if usage is not None:
            cell[_ESTIMATED] += usage.is_estimated
            _count_tokens(cell, usage, usd)


class _Group:
    """A second of the requests that have query, kind and model in common."""

    __slots__ = ("_last", "_last_cell", "cells", "ok", "other")

    def __init__(self) -> None:
        self.ok = Measured()
        self.other = Measured()
        self.cells: dict[tuple[str, Outcome], list[int | Decimal]] = {}
        self._last: tuple[str, Outcome | None] = ("", None)
        self._last_cell: list[int | Decimal] = []

    def cell(self, answered_by: str, outcome: Outcome) -> list[int | Decimal]:
        """The counters of those that were answered by this model and ended like this."""
        # Neighbours mostly end alike, and an Enum's hash is slow.
        last_answered_by, last_outcome = self._last
        if outcome is last_outcome and answered_by == last_answered_by:
            return self._last_cell
        key = (answered_by, outcome)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = [0] * _USD + [Decimal(0)]
        self._last, self._last_cell = key, cell
        return cell


def _count_attempts(group: _Group, cell: list[int | Decimal], probe: Probe, attempted_ns: int) -> None:
    """Of a request that might be tried again: how often it was, and how long its first attempt took from due."""
    cell[_RETRIED] += probe.retries > 0
    cell[_RETRIES] += probe.retries
    samples = group.ok if probe.is_first_ok else group.other
    samples.split.setdefault(FIRST_ATTEMPT, array("q")).append(attempted_ns - probe.due_ns)


def _count_tokens(cell: list[int | Decimal], usage: Usage, usd: Decimal | None) -> None:
    cell[_INPUT] += usage.input
    cell[_OUTPUT] += usage.output
    cell[_CACHE_READ] += usage.cache_read
    cell[_CACHE_WRITE] += usage.cache_write
    cell[_REASONING] += usage.reasoning
    if usd is not None:
        cell[_USD] += usd


def _count_also(cell: list[int | Decimal], usage: Usage) -> None:
    cell[_ALSO_CALLS] += 1
    cell[_ALSO_INPUT] += usage.input
    cell[_ALSO_OUTPUT] += usage.output
    cell[_ALSO_CACHE_READ] += usage.cache_read
    cell[_ALSO_CACHE_WRITE] += usage.cache_write


def _cells(groups: Mapping[tuple[str, str, str], _Group]) -> dict[CellKey, Cell]:
    return {
        CellKey(*names, *ending): Cell(*values)  # type: ignore[arg-type]  # one list, two types
        for names, group in groups.items()
        for ending, values in group.cells.items()
    }


def _no_clock() -> int:
    msg = "a request that was never sent has no moments"
    raise AssertionError(msg)


def _estimate(request: Request, probe: Probe) -> Usage:
    """Tokens of a request whose usage never came: its prompt, and what had come of the answer."""
    return Usage(
        input=estimate(request.prompt),
        output=-(-probe.ascii_chars // ASCII_CHARS_PER_TOKEN) + probe.other_chars,
        is_estimated=True,
    )
