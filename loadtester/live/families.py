"""What a run is to Prometheus: counters, gauges and histograms with fixed buckets, added up from its seconds.

docs/observability.md lists them. Needs `prometheus-client`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from loadtester.live.edges import Edges
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Tick

#: Upper edges in seconds. Where service levels are commonly set (1, 2, 3, 5, 8, 12 s) there is an edge, so that their
#: share can be read off without guessing between two.
BUCKETS_S: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0,
)  # fmt: skip
_LABELS: Final = ("query", "kind", "model")
_MEASURED: Final = {
    "latency": ("fmload_latency_seconds", "From due to the last byte, of ok answers and of others."),
    "ttft": ("fmload_time_to_first_token_seconds", "From due to the first piece of the answer."),
    "lag": ("fmload_lag_seconds", "From due to sent: the generator's own lateness."),
}
_EDGES: Final = Edges(BUCKETS_S)

Key = tuple[str, ...]


class Families:
    """The state of one run; `add` takes its seconds, `collect` may be called from any thread."""

    def __init__(self, info: Mapping[str, str], max_cost_usd: Decimal | None) -> None:
        self._info = dict(info)
        self._max_cost_usd = max_cost_usd
        self._lock = Lock()
        self._requests: dict[Key, int] = {}
        self._in_slo: dict[Key, int] = {}
        self._tokens: dict[Key, int] = {}
        self._usd: dict[Key, Decimal] = {}
        self._buckets: dict[tuple[str, Key], NDArray[np.int64]] = {}
        self._sums_s: dict[tuple[str, Key], float] = {}
        self._tick: Tick | None = None

    def add(self, tick: Tick) -> None:
        """Count the tick's second."""
        with self._lock:
            # What a warm-up sent was planned, sent and paid for like the rest; its times are in no histogram.
            for key, cell in chain((tick.second.cells or {}).items(), (tick.second.warm or {}).items()):
                self._count(key, cell)
            for series, counts in (tick.second.counts or {}).items():
                if series.metric not in _MEASURED:
                    continue
                labels: Key = (series.query, series.kind, series.model)
                if series.metric == "latency":
                    labels = (*labels, "ok" if series.is_ok else "failed")
                place = (series.metric, labels)
                found = _EDGES.count(counts)
                self._buckets[place] = self._buckets[place] + found if place in self._buckets else found
                self._sums_s[place] = self._sums_s.get(place, 0.0) + _EDGES.sum_s(counts)
            self._tick = tick

    def collect(self) -> Iterator[Metric]:
        """All metrics as they stand; none before the first second."""
        with self._lock:
            tick = self._tick
            info = GaugeMetricFamily("fmload_run", "The run that this is: always 1.", labels=list(self._info))
            info.add_metric(list(self._info.values()), 1.0)
            yield info
            if tick is None:
                return
            yield from _of_tick(tick, self._max_cost_usd)
            yield _counter("fmload_requests", "Requests with their outcome.", (*_LABELS, "outcome"), self._requests)
            yield _counter("fmload_in_slo", "Ok answers within the SLO.", _LABELS, self._in_slo)
            yield _counter("fmload_tokens", "Tokens.", (*_LABELS, "answered_by", "type"), self._tokens)
            yield _counter("fmload_cost_usd", "What the answers cost.", (*_LABELS, "answered_by"), self._usd)
            yield from self._histograms()

    def _count(self, key: CellKey, cell: Cell) -> None:
        labels: Key = (key.query, key.kind, key.model)
        _add(self._requests, (*labels, key.outcome.value), cell.count)
        # A refusal can be quick, too: what ended within the SLO is good only where it is an answer.
        _add(self._in_slo, labels, cell.in_slo if key.outcome is Outcome.OK else 0)
        if not key.answered_by:
            return
        for name in ("input", "output", "cache_read", "cache_write"):
            _add(self._tokens, (*labels, key.answered_by, name), getattr(cell, name))
        paid = (*labels, key.answered_by)
        self._usd[paid] = self._usd.get(paid, Decimal(0)) + cell.usd

    def _histograms(self) -> Iterator[Metric]:
        edges = [f"{edge_s:g}" for edge_s in BUCKETS_S] + ["+Inf"]
        for metric, (name, words) in _MEASURED.items():
            labels = [*_LABELS, "result"] if metric == "latency" else list(_LABELS)
            family = HistogramMetricFamily(name, words, labels=labels)
            for (of, values), counts in self._buckets.items():
                if of == metric:
                    sums = np.cumsum(counts).tolist()
                    family.add_metric(list(values), list(zip(edges, sums, strict=True)), self._sums_s[(of, values)])
            yield family


def _of_tick(tick: Tick, max_cost_usd: Decimal | None) -> Iterator[Metric]:
    """What has no labels."""
    second = tick.second
    yield CounterMetricFamily("fmload_planned", "Requests that were due.", tick.planned)
    yield CounterMetricFamily("fmload_sent", "Requests that were sent.", tick.sent)
    yield GaugeMetricFamily("fmload_in_flight", "Requests that wait for their answers.", second.in_flight)
    yield GaugeMetricFamily("fmload_elapsed_seconds", "How far the run is.", tick.elapsed_s)
    yield GaugeMetricFamily("fmload_cpu_share", "Of a core, what the busiest sender uses.", second.busiest_s)
    yield GaugeMetricFamily(
        "fmload_stall_seconds", "Longest stall of an event loop in the last second.", second.stall_s
    )
    if max_cost_usd is not None:
        yield GaugeMetricFamily("fmload_budget_usd", "What the run may cost.", float(max_cost_usd))


def _counter(name: str, words: str, labels: tuple[str, ...], values: Mapping[Key, int | Decimal]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _add(totals: dict[Key, int], key: Key, count: int) -> None:
    totals[key] = totals.get(key, 0) + count
