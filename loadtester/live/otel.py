"""A run's metrics for OpenTelemetry, by the conventions for generative AI (status: development, as of 1.42).

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics
"""

from __future__ import annotations

import time
from itertools import chain
from threading import Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from loadtester.live.edges import Edges
from loadtester.live.extra import needs
from loadtester.live.observer import Say
from loadtester.live.once import Once
from loadtester.model import Series
from loadtester.recorder import Tick
from loadtester.scenario import Scenario
from loadtester.scenario.call import CRUD

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric

    from loadtester.live.collector import Labels

#: The bounds that the conventions ask for.
DURATIONS_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
#: What the conventions measure begins when the client sends, not when a request was due.
_NAMES: Final = {"service": "gen_ai.client.operation.duration", "ttft_service": _FIRST_CHUNK}
_WORDS: Final = {"service": "GenAI operation duration.", "ttft_service": "Time to receive the first chunk."}
_EVERY_S: Final = 10.0
_END_LIMIT_S: Final = 12.0
_EDGES: Final = Edges(DURATIONS_S)


def provider(scenario: Scenario) -> str:
    """Whose format the target speaks, as the conventions name it; a service in front of models has no such name."""
    return {"bedrock": "aws.bedrock", "openai": "openai"}.get(scenario.target.protocol, "fmload.service")


class Otel:
    """Sends what it observes every ten seconds, and at the end, from a thread of its own.

    A collector that is down, slow or talks nonsense is told of once.
    """

    def __init__(self, scenario: Scenario, say: Say) -> None:
        with needs("otel"):
            from loadtester.live.collector import Collector  # noqa: PLC0415  an extra
        self._collector = Collector(scenario.observe.otel_endpoint, "run", scenario.output.name)
        self._complaint = Once(say)
        self._always = (("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", provider(scenario)))
        self._counts: dict[tuple[str, Labels], NDArray[np.int64]] = {}
        self._sums_s: dict[tuple[str, Labels], float] = {}
        self._requests: dict[Labels, float] = {}
        self._usd: dict[Labels, float] = {}
        self._lock = Lock()
        self._began_ns = time.time_ns()
        self._is_ended = Event()
        self._thread = Thread(target=self._work, name="fmload-otel", daemon=True)

    def __enter__(self) -> Self:
        self._began_ns = time.time_ns()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended.set()
        self._thread.join(_END_LIMIT_S)
        self._collector.close()
        # A collector that keeps sending never meets a time limit: each read has its own.
        if self._thread.is_alive():
            self._complaint.say("the OpenTelemetry collector did not take the metrics in time; the run goes on")

    def observe(self, tick: Tick) -> None:
        """Count its second."""
        with self._lock:
            # What a warm-up sent was paid for, too; its times are in no histogram.
            for key, cell in chain((tick.second.cells or {}).items(), (tick.second.warm or {}).items()):
                labels = _labels(key.query, key.kind, key.model)
                ended = (*labels, ("fmload.outcome", key.outcome.value))
                self._requests[ended] = self._requests.get(ended, 0.0) + cell.count
                if cell.usd:
                    self._usd[labels] = self._usd.get(labels, 0.0) + float(cell.usd)
            for series, counts in (tick.second.counts or {}).items():
                if series.metric in _NAMES and series.kind != CRUD:
                    place = (series.metric, self._of(series))
                    found = _EDGES.count(counts)
                    self._counts[place] = self._counts[place] + found if place in self._counts else found
                    self._sums_s[place] = self._sums_s.get(place, 0.0) + _EDGES.sum_s(counts)

    def _of(self, series: Series) -> Labels:
        model = (("gen_ai.request.model", series.model),) if series.model else ()
        # A histogram tells good from bad; which bad it was, fmload.requests says.
        return (*self._always, *model, *(() if series.is_ok else (("error.type", "_OTHER"),)))

    def _work(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._is_ended.wait(_EVERY_S)
            if not self._collector.send_metrics(self._metrics()):
                self._complaint.say("the OpenTelemetry collector did not take the metrics; the run goes on")

    def _metrics(self) -> list[Metric]:
        from loadtester.live.collector import counter, histogram  # noqa: PLC0415  an extra

        with self._lock:
            span_ns = (self._began_ns, time.time_ns())
            found = [
                histogram(
                    name,
                    "s",
                    _WORDS[metric],
                    DURATIONS_S,
                    {
                        labels: (counts.tolist(), self._sums_s[(of, labels)])
                        for (of, labels), counts in self._counts.items()
                        if of == metric
                    },
                    span_ns,
                )
                for metric, name in _NAMES.items()
            ]
            found.append(counter("fmload.requests", "{request}", "Requests by outcome.", self._requests, span_ns))
            found.append(counter("fmload.cost", "USD", "What the answers cost.", self._usd, span_ns))
        return [metric for metric in found if metric.data.data_points]


def _labels(query: str, kind: str, model: str) -> Labels:
    model_label = (("gen_ai.request.model", model),) if model else ()
    return (("fmload.query", query), ("fmload.kind", kind), *model_label)
