"""An OpenTelemetry collector, spoken to by OTLP over HTTP: who we are, where it is, and what we hand it.

The exporters are OpenTelemetry's own, so that all OTEL_EXPORTER_OTLP_* and OTEL_RESOURCE_ATTRIBUTES hold. Needs
`opentelemetry-sdk` and `opentelemetry-exporter-otlp-proto-http`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from loadtester import __version__

if TYPE_CHECKING:
    from requests import Response

#: How long one export may take, with OpenTelemetry's own tries at it, in seconds.
LIMIT_S: Final = 5.0
SCOPE: Final = InstrumentationScope("fmload", __version__)
#: Any of these names whoever makes the exporters' sessions, with credentials of a cloud's own.
_PROVIDERS: Final = tuple(
    f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{of}CREDENTIAL_PROVIDER" for of in ("", "METRICS_", "TRACES_")
)
_SUCCESS: Final = 200
_REDIRECT: Final = 300
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE

#: Attributes as a key: pairs of name and value.
Labels = tuple[tuple[str, str], ...]
#: Counts of each bucket, and the sum of the values.
Buckets = tuple[list[int], float]


class Collector:
    """Where one process of a run sends its telemetry; `endpoint` None is what the environment says.

    Not thread-safe but for `close`; each exporter is made when it is first used.
    """

    def __init__(self, endpoint: str | None, instance: str, run: str) -> None:
        # Its exporters log each failure, with a stack: the run's own word about it is enough.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._base = None if endpoint is None else endpoint.rstrip("/")
        self._metrics: OTLPMetricExporter | None = None
        self._spans: OTLPSpanExporter | None = None
        #: Of what was sent last; the rest was taken.
        self._rejected = 0
        self._is_closed = False
        found = Resource.create()
        if str(found.attributes.get("service.name", "")).startswith("unknown_service"):
            found = found.merge(Resource({"service.name": "fmload"}))
        ours = {"service.version": __version__, "service.instance.id": f"{os.getpid()}-{instance}", "fmload.run": run}
        self.resource = found.merge(Resource(ours))

    def send_metrics(self, metrics: Sequence[Metric]) -> bool:
        """Whether the collector took them, all of them."""
        if self._is_closed:
            return False
        if self._metrics is None:
            endpoint = None if self._base is None else f"{self._base}/v1/metrics"
            self._metrics = OTLPMetricExporter(
                endpoint=endpoint, timeout=LIMIT_S, session=self._session(_rejected_points)
            )
        scoped = ScopeMetrics(SCOPE, metrics, "")
        data = MetricsData([ResourceMetrics(self.resource, [scoped], "")])
        self._rejected = 0
        result = self._metrics.export(data, timeout_millis=LIMIT_S * 1e3)
        return result is MetricExportResult.SUCCESS and not self._rejected

    def send_spans(self, spans: Sequence[ReadableSpan]) -> int:
        """How many of them the collector did not take; they are not to be sent again."""
        if self._is_closed:
            return len(spans)
        if self._spans is None:
            endpoint = None if self._base is None else f"{self._base}/v1/traces"
            self._spans = OTLPSpanExporter(endpoint=endpoint, timeout=LIMIT_S, session=self._session(_rejected_spans))
        self._rejected = 0
        return self._rejected if self._spans.export(spans) is SpanExportResult.SUCCESS else len(spans)

    def close(self) -> None:
        """Send nothing more, try nothing again, and close the connections."""
        self._is_closed = True
        for exporter in (self._metrics, self._spans):
            if exporter is not None:
                exporter.shutdown()

    def _session(self, rejected: Callable[[bytes], int]) -> requests.Session | None:
        """What an exporter sends with; None where the environment has another for it.

        The exporters follow no redirect, which is right with credentials on board, and count it as taken, which is not;
        nor do they read what a collector says it rejected of what it took.
        """
        if any(os.environ.get(name) for name in _PROVIDERS):
            return None

        def heed(answer: Response, **_: Any) -> None:
            if _REDIRECT <= answer.status_code < _REDIRECT + 100:
                answer.close()
                raise requests.HTTPError(f"HTTP {answer.status_code}: what was sent stays here")
            if _SUCCESS <= answer.status_code < _REDIRECT:
                # Whoever says nothing that can be read has rejected nothing.
                with suppress(DecodeError):
                    self._rejected = rejected(answer.content)

        session = requests.Session()
        session.hooks["response"].append(heed)
        return session


# https://opentelemetry.io/docs/specs/otlp/#partial-success-1
def _rejected_spans(body: bytes) -> int:
    rejected: int = ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
    return max(0, rejected)


def _rejected_points(body: bytes) -> int:
    rejected: int = ExportMetricsServiceResponse.FromString(body).partial_success.rejected_data_points
    return max(0, rejected)


def counter(name: str, unit: str, words: str, values: Mapping[Labels, float], span_ns: tuple[int, int]) -> Metric:
    """A sum that only grows; `span_ns` is from when to when, in ns of the epoch."""
    points = [NumberDataPoint(dict(key), *span_ns, value) for key, value in values.items()]
    return Metric(name, words, unit, Sum(points, _CUMULATIVE, is_monotonic=True))


def histogram(
    name: str, unit: str, words: str, edges: Sequence[float], values: Mapping[Labels, Buckets], span_ns: tuple[int, int]
) -> Metric:
    """Counts by bucket; `edges` are upper ones, the last bucket is open."""
    points = [
        # Neither least nor greatest is known exactly, and both may be left out.
        HistogramDataPoint(dict(key), *span_ns, sum(counts), total, counts, edges, None, None)  # type: ignore[arg-type]  # see above
        for key, (counts, total) in values.items()
    ]
    return Metric(name, words, unit, Histogram(points, _CUMULATIVE))
