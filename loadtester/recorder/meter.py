"""Adds up a run's seconds into what observers see."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from loadtester.model import Outcome, Tick
from loadtester.recorder.histogram import Histogram
from loadtester.recorder.recording import Interval

_UNSENT = (Outcome.DROPPED, Outcome.CANCELLED)


class Meter:
    """Running totals of a run; `add` takes its seconds in order and gives the Tick after each."""

    def __init__(self) -> None:
        self._planned = 0
        self._sent = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._latency = Histogram()
        self._usd = Decimal(0)

    def add(self, interval: Interval) -> Tick:
        """Count one second."""
        finished = 0
        for key, cell in (interval.cells or {}).items():
            self._outcomes[key.outcome] += cell.count
            self._usd += cell.usd
            if key.outcome not in _UNSENT:
                finished += cell.count
        for series, counts in (interval.counts or {}).items():
            if series.metric == "latency" and series.is_ok:
                self._latency.add(counts)
        self._planned += interval.planned
        self._sent += interval.sent
        has_answers = self._latency.total > 0
        return Tick(
            elapsed_s=interval.second + 1.0,
            planned=self._planned,
            sent=self._sent,
            in_flight=interval.in_flight,
            outcomes=dict(self._outcomes),
            sent_per_s=float(interval.sent),
            finished_per_s=float(finished),
            p50_s=self._latency.percentile_s(50) if has_answers else None,
            p95_s=self._latency.percentile_s(95) if has_answers else None,
            usd=self._usd,
        )
