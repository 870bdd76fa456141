"""Adds up a run's seconds into what observers see."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from itertools import chain
from typing import Final

import numpy as np

from loadtester.model import Outcome
from loadtester.recorder import buckets
from loadtester.recorder.histogram import Counts, Histogram
from loadtester.recorder.recording import Interval
from loadtester.recorder.tick import NOW_S, UNSENT, Quantiles, Tick

_PERCENTS: Final = np.array([50.0, 95.0, 99.0])
_MEASURED: Final = ("latency", "ttft", "lag")
#: Different things said of failures that are remembered.
_ERRORS: Final = 5


class Meter:
    """Running totals of a run; `add` takes its seconds in order and gives the Tick after each.

    Not on the load's path: it may take a millisecond or two a second.
    """

    def __init__(self) -> None:
        self._planned = self._sent = self._finished = 0
        self._input = self._output = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._whole = {metric: Histogram() for metric in _MEASURED}
        self._now = {metric: Histogram() for metric in _MEASURED}
        self._usd = Decimal(0)
        self._by_query: dict[str, tuple[Decimal, int]] = {}
        self._errors: dict[tuple[Outcome, str], int] = {}
        self._recent: deque[_Second] = deque(maxlen=NOW_S)

    def add(self, interval: Interval) -> Tick:
        """Count one second."""
        second = _Second(interval)
        self._move_on(second)
        self._planned += interval.planned
        self._sent += interval.sent
        self._finished += second.finished
        self._input += second.input
        self._output += second.output
        self._usd += second.usd
        self._outcomes.update(second.outcomes)
        self._spend(interval)
        self._note(interval.failures or {})
        return self._tick(interval)

    def _move_on(self, second: _Second) -> None:
        """Let the second in, and the one that "now" no longer holds out."""
        if len(self._recent) == NOW_S:
            for metric, parts in self._recent[0].parts.items():
                counts = self._now[metric].counts
                for part in parts:
                    counts[part.indices] -= part.counts
        self._recent.append(second)
        for metric, parts in second.parts.items():
            for part in parts:
                self._whole[metric].add(part)
                self._now[metric].add(part)

    def _tick(self, interval: Interval) -> Tick:
        recent = self._recent
        n_s = len(recent)
        outcomes_now: Counter[Outcome] = Counter()
        for second in recent:
            outcomes_now.update(second.outcomes)
        whole = {metric: _quantiles(histogram) for metric, histogram in self._whole.items()}
        now = {metric: _quantiles(histogram) for metric, histogram in self._now.items()}
        return Tick(
            second=interval,
            elapsed_s=interval.second + 1.0,
            planned=self._planned,
            sent=self._sent,
            finished=self._finished,
            outcomes=dict(self._outcomes),
            outcomes_now=outcomes_now,
            now_s=n_s,
            planned_now_per_s=sum(second.planned for second in recent) / n_s,
            sent_now_per_s=sum(second.sent for second in recent) / n_s,
            finished_now_per_s=sum(second.finished for second in recent) / n_s,
            second_finished=recent[-1].finished,
            latency=whole["latency"],
            latency_now=now["latency"],
            ttft=whole["ttft"],
            ttft_now=now["ttft"],
            lag=whole["lag"],
            lag_now=now["lag"],
            input_tokens=self._input,
            output_tokens=self._output,
            input_now_per_s=sum(second.input for second in recent) / n_s,
            output_now_per_s=sum(second.output for second in recent) / n_s,
            usd=self._usd,
            usd_by_query=dict(self._by_query),
            errors=tuple((outcome, text, n) for (outcome, text), n in reversed(self._errors.items())),
        )

    def _spend(self, interval: Interval) -> None:
        """By query type, as the report's projection counts: messages that were never sent are none."""
        for key, cell in (interval.cells or {}).items():
            usd, messages = self._by_query.get(key.query, (Decimal(0), 0))
            n = cell.sent if key.outcome is Outcome.CANCELLED else cell.count
            self._by_query[key.query] = (usd + cell.usd, messages + n)

    def _note(self, failures: Mapping[tuple[Outcome, str], int]) -> None:
        """The last said comes last; the longest unsaid is forgotten."""
        for key, count in sorted(failures.items(), key=lambda item: item[1]):
            self._errors[key] = self._errors.pop(key, 0) + count
        while len(self._errors) > _ERRORS:
            del self._errors[next(iter(self._errors))]


class _Second:
    """What is kept of one second for as long as it is part of "now"."""

    __slots__ = ("finished", "input", "outcomes", "output", "parts", "planned", "sent", "usd")

    def __init__(self, interval: Interval) -> None:
        self.planned, self.sent = interval.planned, interval.sent
        self.finished = self.input = self.output = 0
        self.usd = Decimal(0)
        self.outcomes: Counter[Outcome] = Counter()
        # What was due in the warm-up is in no figure, but it was sent, answered and paid for.
        for key, cell in chain((interval.cells or {}).items(), (interval.warm or {}).items()):
            self.outcomes[key.outcome] += cell.count
            self.finished += 0 if key.outcome in UNSENT else cell.count
            self.input += cell.input + cell.cache_read + cell.cache_write
            self.output += cell.output
            self.usd += cell.usd
        self.parts: dict[str, list[Counts]] = {metric: [] for metric in _MEASURED}
        for series, counts in (interval.counts or {}).items():
            if series.metric in self.parts and (series.is_ok or series.metric == "lag"):
                self.parts[series.metric].append(counts)


def _quantiles(histogram: Histogram) -> Quantiles:
    """Values at rank ceil(percent/100 · n), as tops of their buckets: what Histogram.percentile_s gives."""
    indices = np.flatnonzero(histogram.counts)
    if not len(indices):
        return Quantiles()
    cumulative = np.cumsum(histogram.counts[indices])
    n = int(cumulative[-1])
    ranks = np.maximum(1, np.ceil(_PERCENTS / 100.0 * n - 1e-9))
    p50, p95, p99 = (buckets.highest_us(indices[np.searchsorted(cumulative, ranks)]) / 1e6).tolist()
    return Quantiles(n, p50, p95, p99)
