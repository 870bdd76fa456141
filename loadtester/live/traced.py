"""A client span for some requests, and tokens by request, from each process that sends.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans , https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Sequence
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from loadtester.drivers import Driver
from loadtester.drivers.contract import Probe
from loadtester.engine.deadlines import TIME_IS_UP
from loadtester.engine.exchange import STOPPED
from loadtester.live.extra import needs
from loadtester.live.observer import Say
from loadtester.live.once import Once
from loadtester.live.otel import provider
from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.scenario import Scenario

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric

    from loadtester.live.collector import Buckets, Collector, Labels

#: The bounds that the conventions ask for.
TOKENS: Final = tuple(4**power for power in range(14))
#: Spans that may wait for the collector; of a target that refuses all, this is the last few seconds.
_MOST_WAITING: Final = 8_192
_BATCH: Final = 512
_EVERY_S: Final = 2.0
#: Less than the silence after which a worker counts as lost.
_END_LIMIT_S: Final = 8.0
_TRACEPARENT_FLAGS: Final = "01"
_TIMEOUT: Final = Ending(Outcome.TIMEOUT, detail="no complete answer within the time limit")
_OK: Final = Outcome.OK  # looking it up on its enum takes as long as a call
_FAULT: Final = Ending(Outcome.BROKEN, detail="fault in the driver")


class Exchange(NamedTuple):
    """A request and its end, as a span is made of it; moments in ns of the epoch, `first_s` from the launch."""

    trace_id: int
    span_id: int
    request: Request
    began_ns: int
    ended_ns: int
    first_s: float | None
    ending: Ending
    answer: str | None = None


def traced(driver: Driver, scenario: Scenario, worker: int, say: Say) -> Driver:
    """The driver itself where nobody asked for OpenTelemetry, so that it costs nothing; else one that keeps spans.

    `say` is told once, by another thread, of spans that the collector did not take.
    """
    if not scenario.observe.has_otel:
        return driver
    with needs("otel"):
        from loadtester.live.collector import Collector  # noqa: PLC0415  an extra
    collector = Collector(scenario.observe.otel_endpoint, f"worker-{worker}", scenario.output.name)
    return Traced(driver, scenario, Spans(collector, scenario, say))


class Traced:
    """A driver whose requests may get a span: every one that fails, and the sampled part of the others.

    A sampled request tells the target of its trace by a `traceparent`, where the protocol has room for one.
    """

    def __init__(self, inner: Driver, scenario: Scenario, spans: Spans, *, draw: Random | None = None) -> None:
        self._inner = inner
        self._spans = spans
        self._sample = scenario.observe.otel_sample
        self._has_content = scenario.observe.has_otel_content
        # Not the run's seed: two runs of one scenario are two sets of traces.
        self._draw = draw or Random()
        # Each request comes by here: what it needs is at hand.
        self._random, self._send, self._count = self._draw.random, inner.send, spans.count
        self.opens_ahead = inner.opens_ahead

    async def check(self) -> None:
        """As the inner driver."""
        await self._inner.check()

    async def prepare(self, request: Request) -> None:
        """As the inner driver."""
        await self._inner.prepare(request)

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one request as the inner driver does; what is written down of it is written after its end."""
        if self._random() < self._sample:
            return await self._sampled(request, probe)
        began_ns = time.time_ns()
        try:
            ending = await self._send(request, probe)
        except BaseException as fault:
            self._keep(self._trace(), request, probe, began_ns, _ending_of(fault))
            raise
        if ending.usage is not None:
            self._count(request.model, ending.model, ending.usage)
        if ending.outcome is not _OK:
            self._keep(self._trace(), request, probe, began_ns, ending)
        return ending

    async def _sampled(self, request: Request, probe: Probe) -> Ending:
        trace = self._trace()
        request = msgspec.structs.replace(request, traceparent=traceparent(*trace))
        heard = _Listening(probe) if self._has_content else None
        began_ns, ending = time.time_ns(), _FAULT
        try:
            ending = await self._send(request, heard or probe)
        except BaseException as fault:
            ending = _ending_of(fault)
            raise
        finally:
            if ending.usage is not None:
                self._count(request.model, ending.model, ending.usage)
            self._keep(trace, request, probe, began_ns, ending, None if heard is None else "".join(heard.texts))
        return ending

    def _keep(
        self,
        trace: tuple[int, int],
        request: Request,
        probe: Probe,
        began_ns: int,
        ending: Ending,
        answer: str | None = None,
    ) -> None:
        self._spans.keep(Exchange(*trace, request, began_ns, time.time_ns(), _first_s(probe), ending, answer))

    def _trace(self) -> tuple[int, int]:
        """A new trace's id and that of its span."""
        return self._draw.getrandbits(128) or 1, self._draw.getrandbits(64) or 1

    async def finish(self, request: Request) -> None:
        """As the inner driver."""
        await self._inner.finish(request)

    async def aclose(self) -> None:
        """Close every connection, and send what is left to the collector."""
        await self._inner.aclose()
        await asyncio.to_thread(self._spans.close)


def traceparent(trace_id: int, span_id: int) -> str:
    """The header's value: version 00, sampled."""
    return f"00-{trace_id:032x}-{span_id:016x}-{_TRACEPARENT_FLAGS}"


def _ending_of(fault: BaseException) -> Ending:
    """How a request ended whose driver raised."""
    if isinstance(fault, asyncio.CancelledError):
        return _TIMEOUT if TIME_IS_UP in fault.args else STOPPED
    return _FAULT


def _first_s(probe: Probe) -> float | None:
    """From the launch to the first content; None where none came, or where it was launched for an earlier attempt."""
    return None if probe.first_ns is None or probe.retries else (probe.first_ns - probe.launched_ns) / 1e9


class _Listening:
    """A probe that also holds what was said."""

    __slots__ = ("_probe", "connected", "reconnected", "sent", "texts")

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.sent, self.connected, self.reconnected = probe.sent, probe.connected, probe.reconnected
        self.texts: list[str] = []

    @property
    def launched_ns(self) -> int:
        return self._probe.launched_ns

    @property
    def first_ns(self) -> int | None:
        return self._probe.first_ns

    @property
    def retries(self) -> int:
        return self._probe.retries

    def chunk(self, n_bytes: int, text: str) -> None:
        self._probe.chunk(n_bytes, text)
        self.texts.append(text)

    def chunks(self, n_bytes: int, texts: Sequence[str]) -> None:
        self._probe.chunks(n_bytes, texts)
        self.texts.extend(texts)


class _Tokens:
    """A histogram of tokens in the conventions' buckets; the loop adds to `fresh`, `settle` counts it later."""

    __slots__ = ("counts", "fresh", "total")

    def __init__(self) -> None:
        self.fresh = array("q")
        self.counts = np.zeros(len(TOKENS) + 1, dtype=np.int64)
        self.total = 0

    def settle(self) -> None:
        # Numbers may be added meanwhile: each of these steps is one to the interpreter.
        taken = self.fresh[: len(self.fresh)]
        del self.fresh[: len(taken)]
        values = np.frombuffer(taken, dtype=np.int64)
        self.counts += np.bincount(np.searchsorted(TOKENS, values), minlength=len(self.counts))
        self.total += int(values.sum())


class Spans:
    """Sends one process's spans and token counts, on a thread of its own; `keep` and `count` take a microsecond.

    What the collector does not take is gone, and told of once: neither the run nor its memory waits for it.
    """

    def __init__(self, collector: Collector, scenario: Scenario, say: Say) -> None:
        self._collector = collector
        self._complaint = Once(say)
        self._provider = provider(scenario)
        self._waiting: deque[Exchange] = deque(maxlen=_MOST_WAITING)
        #: By model asked and model that answered, of input and of output.
        self._tokens: dict[tuple[str, str | None], tuple[_Tokens, _Tokens]] = {}
        self._began_ns = time.time_ns()
        self._is_ended = Event()
        self._thread = Thread(target=self._work, name="fmload-spans", daemon=True)
        self._thread.start()

    def keep(self, exchange: Exchange) -> None:
        """Make a span of it later."""
        self._waiting.append(exchange)

    def count(self, asked: str, answered_by: str | None, usage: Usage) -> None:
        """Count an answer's tokens, where the target told them: an estimate is nobody's usage."""
        if usage.is_estimated:
            return
        counts = self._tokens.get((asked, answered_by))
        if counts is None:
            counts = self._tokens[asked, answered_by] = (_Tokens(), _Tokens())
        counts[0].fresh.append(usage.input + usage.cache_read + usage.cache_write)
        counts[1].fresh.append(usage.output)

    def close(self) -> None:
        """Send what is left, within a few seconds."""
        self._is_ended.set()
        self._thread.join(_END_LIMIT_S)
        self._collector.close()
        # A collector that keeps sending never meets a time limit: each read has its own.
        if self._thread.is_alive():
            self._complaint.say("the OpenTelemetry collector did not take spans or tokens in time; the run goes on")

    def _work(self) -> None:
        from loadtester.live.span import span_of  # noqa: PLC0415  an extra

        is_last = False
        while not is_last:
            is_last = self._is_ended.wait(_EVERY_S)
            lost, is_reached = 0, True
            while self._waiting and is_reached:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                made = [span_of(one, self._provider, self._collector.resource) for one in batch]
                refused = self._collector.send_spans(made)
                lost, is_reached = lost + refused, refused < len(made)
            if lost:
                self._complaint.say("the OpenTelemetry collector did not take spans; the run goes on")
            # A collector may take the one and not the other.
            if self._tokens:
                self._collector.send_metrics([self._usage()])

    def _usage(self) -> Metric:
        from loadtester.live.collector import histogram  # noqa: PLC0415  an extra

        values: dict[Labels, Buckets] = {}
        for (asked, answered_by), pair in self._tokens.copy().items():
            for kind, tokens in zip(("input", "output"), pair, strict=True):
                tokens.settle()
                labels = {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": self._provider,
                    "gen_ai.request.model": asked,
                    "gen_ai.response.model": answered_by or asked,
                    "gen_ai.token.type": kind,
                }
                key = tuple((name, value) for name, value in labels.items() if value)
                counts, total = values.get(key, ([0] * (len(TOKENS) + 1), 0.0))
                values[key] = [a + b for a, b in zip(counts, tokens.counts.tolist(), strict=True)], total + tokens.total
        words = "Number of input and output tokens used."
        span_ns = (self._began_ns, time.time_ns())
        return histogram("gen_ai.client.token.usage", "{token}", words, TOKENS, values, span_ns)
