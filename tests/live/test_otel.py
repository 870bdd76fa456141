"""What a collector gets, decoded with OpenTelemetry's own protobufs; and what becomes of a run without one."""

import asyncio
import gc
import gzip
import socket
import socketserver
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from loadtester.drivers.http.headers import post_head, with_trace
from loadtester.engine.deadlines import Deadlines
from loadtester.fleet.local import SILENCE_LIMIT_S
from loadtester.live import Quiet, Together, traced
from loadtester.live.collector import Collector
from loadtester.live.otel import Otel
from loadtester.live.span import span_of
from loadtester.live.traced import Exchange, Spans, Traced, traceparent
from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.recorder import Meter, Probe
from loadtester.scenario import resolve

REDIRECTS = (301, 302, 303, 307, 308)


class Receiver:
    """Keeps what is sent to it, and answers with `status`, and with what `answers` has for the path."""

    def __init__(self, status):
        self.spans, self.metrics, self.answers = [], [], {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.path, gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
                self.send_response(status)
                if status in REDIRECTS:
                    self.send_header("Location", self.path)
                answer = receiver.answers.get(self.path, b"")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path, body):
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics += [metric for scope in resource.scope_metrics for metric in scope.metrics]


@pytest.fixture
def receiver(request):
    found = Receiver(getattr(request, "param", 200))
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def scenario(url, **more):
    return resolve({"observe.otel_endpoint": url, **more})


def attributes(of):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


class Target:
    """A driver whose target answers every third request, and refuses the others."""

    opens_ahead = False

    def __init__(self):
        self.parents = []

    async def send(self, request, probe):
        self.parents.append(request.traceparent)
        if request.id % 3:
            return Ending(Outcome.THROTTLED, detail="slow down, Bearer abcdefghijkl")
        probe.chunks(3, ["a", "b"])
        return Ending(Outcome.OK, "stop", Usage(100, 20, cache_read=5), "model-b")

    async def aclose(self):
        pass


def launched():
    """A probe as the engine hands it over."""
    probe = Probe(time.perf_counter_ns, 0)
    probe.launched()
    return probe


def drive(scenario, n=30, say=print):
    """Send n requests; gives what the target saw as their traces."""

    async def run():
        target = Target()
        driver = traced(target, scenario, 0, say)
        for number in range(n):
            request = Request(number, "greeting", "ai", "model-a", f"secret {number}", "s", 1, 64, "en")
            await driver.send(request, launched())
        await driver.aclose()
        return target.parents

    return asyncio.run(run())


def test_without_a_collector_the_driver_is_the_driver():
    """Nothing stands between engine and driver that nobody asked for."""
    target = Target()
    assert traced(target, resolve({}), 0, print) is target


def test_every_failure_has_a_span_and_no_prompt(receiver):
    """Of good answers only the sampled ones; nothing that was asked or answered, and no credential."""
    parents = drive(scenario(receiver.url, **{"observe.otel_sample": "0"}))
    assert parents == [None] * 30
    assert len(receiver.spans) == 20
    assert {attributes(span)["error.type"] for span in receiver.spans} == {"throttled"}
    text = str(receiver.spans)
    assert "secret" not in text
    assert "abcdefghijkl" not in text


def test_a_sampled_span_follows_the_conventions_and_is_the_target_s_parent(receiver):
    """Names and values of the attributes; the target gets the same trace and span as the collector."""
    parents = drive(scenario(receiver.url, **{"observe.otel_sample": "100%", "observe.otel_content": "true"}), n=1)
    (span,) = receiver.spans
    assert parents == [traceparent(int.from_bytes(span.trace_id), int.from_bytes(span.span_id))]
    assert (span.name, span.kind) == ("chat model-a", 3)
    found = attributes(span)
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.request.model"] == "model-a"
    assert found["gen_ai.response.model"] == "model-b"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (105, 20)
    assert 0.0 <= found["gen_ai.response.time_to_first_chunk"] < 60.0
    assert "secret 0" in found["gen_ai.input.messages"]
    assert '"ab"' in found["gen_ai.output.messages"]
    assert span.end_time_unix_nano >= span.start_time_unix_nano


def test_tokens_are_counted_by_request(receiver):
    """A histogram of what each answer used, with the bounds of the conventions."""
    drive(scenario(receiver.url))
    usage = {
        attributes(point)["gen_ai.token.type"]: point
        for metric in receiver.metrics
        if metric.name == "gen_ai.client.token.usage"
        for point in metric.histogram.data_points
    }
    assert (usage["input"].count, usage["input"].sum) == (10, 1_050)
    assert list(usage["output"].explicit_bounds)[:4] == [1, 4, 16, 64]
    assert usage["output"].bucket_counts[3] == 10


def test_metrics_are_those_of_the_conventions(receiver, tick_of):
    """Durations from sent, not from due, with the bounds that are asked for; sums that only grow."""
    said = []
    with Otel(scenario(receiver.url), said.append) as otel:
        otel.observe(tick_of(ok=4, throttled=2))
        otel.observe(tick_of(ok=1))
    found = {metric.name: metric for metric in receiver.metrics}
    (point,) = found["gen_ai.client.operation.duration"].histogram.data_points
    assert point.count == sum(point.bucket_counts) == 5
    assert point.explicit_bounds[0] == 0.01
    assert not point.HasField("min")
    assert attributes(point)["gen_ai.request.model"] == "model-a"
    assert "gen_ai.client.operation.time_to_first_chunk" in found
    by_outcome = {
        attributes(point)["fmload.outcome"]: point.as_double for point in found["fmload.requests"].sum.data_points
    }
    assert by_outcome == {"ok": 5.0, "throttled": 2.0}
    assert said == []


@pytest.mark.parametrize("receiver", [400], indirect=True)
def test_a_collector_that_refuses_is_told_of_once(receiver, tick_of):
    """The run goes on, and ends."""
    said = []
    with Otel(scenario(receiver.url), said.append) as otel:
        otel.observe(tick_of(ok=1))
    drive(scenario(receiver.url, **{"observe.otel_sample": "1"}), n=3)
    assert len(said) == 1


@pytest.mark.parametrize("receiver", REDIRECTS, indirect=True)
def test_a_redirect_is_not_followed_and_no_success(receiver, tick_of):
    """Whoever redirects has not taken them, and where to is none of the user's addresses; told of once."""
    said = []
    with Otel(scenario(receiver.url), said.append) as otel:
        otel.observe(tick_of(ok=1))
    assert said == ["the OpenTelemetry collector did not take the metrics; the run goes on"]
    n_sent = len(receiver.metrics)
    assert n_sent == len({metric.name for metric in receiver.metrics})
    collector = Collector(receiver.url, "w", "r")
    one = Exchange(
        1, 2, Request(3, "greeting", "ai", "model-a", "hello", "s", 1, 64, "en"), 1, 2, None, Ending(Outcome.OK)
    )
    assert collector.send_spans([span_of(one, "openai", collector.resource)]) == 1
    collector.close()


def rejecting(count):
    """Answers of a collector that took what came, but for `count` spans and points of each request."""
    spans, metrics = ExportTraceServiceResponse(), ExportMetricsServiceResponse()
    spans.partial_success.rejected_spans = count
    metrics.partial_success.rejected_data_points = count
    for answer in (spans, metrics):
        answer.partial_success.error_message = "<b>as you like</b>"
    return {"/v1/traces": spans.SerializeToString(), "/v1/metrics": metrics.SerializeToString()}


UNREADABLE = dict.fromkeys(("/v1/traces", "/v1/metrics"), b"<html>ok</html>")


@pytest.mark.parametrize(
    ("answers", "is_told"), [(rejecting(1), True), (rejecting(0), False), (rejecting(-1), False), (UNREADABLE, False)]
)
def test_what_a_collector_rejects_of_what_it_takes_is_told_of_once(receiver, tick_of, answers, is_told):
    """It stays so: nothing is sent twice, and what waits behind it is sent. A word alone, or none, rejects nothing."""
    receiver.answers, said = answers, []
    with Otel(scenario(receiver.url), said.append) as otel:
        otel.observe(tick_of(ok=1))
    assert said == ["the OpenTelemetry collector did not take the metrics; the run goes on"] * is_told
    assert len(receiver.metrics) == len({metric.name for metric in receiver.metrics})
    said.clear()
    spans = Spans(Collector(receiver.url, "w", "r"), scenario(receiver.url), said.append)
    request = Request(3, "greeting", "ai", "model-a", "hello", "s", 1, 64, "en")
    for number in range(1, 601):  # two batches
        spans.keep(Exchange(number, 2, request, 1, 2, None, Ending(Outcome.OK)))
    spans.close()
    assert said == ["the OpenTelemetry collector did not take spans; the run goes on"] * is_told
    assert sorted(int.from_bytes(span.trace_id) for span in receiver.spans) == list(range(1, 601))


@contextmanager
def dripping():
    """A collector whose answer never ends, though each read of it gets a byte; then its threads come to an end."""
    done = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                self.request.recv(1 << 16)
                self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not done.wait(0.02):
                    self.request.sendall(b"x")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        done.set()
        server.shutdown()
        thread.join()
        server.server_close()
        for sending in threading.enumerate():
            if sending.name in ("fmload-otel", "fmload-spans"):
                sending.join()
        gc.collect()


def test_metrics_that_are_never_taken_to_the_end_are_told_of_once(tick_of, monkeypatch):
    """Where a run is quiet, too; its end does not wait for such a collector."""
    monkeypatch.setattr("loadtester.live.otel._END_LIMIT_S", 0.1)
    said = []
    with dripping() as url:
        front = Quiet(said.append)
        with Together(front, Otel(scenario(url), front.say)) as watchers:
            watchers.observe(tick_of(ok=1))
        assert said == ["the OpenTelemetry collector did not take the metrics in time; the run goes on"]
    assert len(said) == 1


def test_spans_that_are_never_taken_to_the_end_are_told_of_once(monkeypatch):
    """What a worker has to say of them is there when its driver is closed."""
    monkeypatch.setattr(sys.modules["loadtester.live.traced"], "_END_LIMIT_S", 0.1)
    said = []
    with dripping() as url:
        drive(scenario(url, **{"observe.otel_sample": "1"}), n=3, say=said.append)
        assert said == ["the OpenTelemetry collector did not take spans or tokens in time; the run goes on"]
    assert len(said) == 1


def test_a_worker_that_waits_for_a_collector_is_not_lost():
    """It says nothing meanwhile: its wait, and a second to close its connections, is less than the silence allowed."""
    assert sys.modules["loadtester.live.traced"]._END_LIMIT_S + 1.0 < SILENCE_LIMIT_S


GARBAGE = {
    "is down": None,
    "hangs": None,
    "resets": b"",
    "is no HTTP": b"\x00\xff what?\r\n\r\n",
    "is busy for ever": b"HTTP/1.1 503 X\r\nRetry-After: 3600\r\nContent-Length: 3\r\n\r\nabc",
    "ends early": b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nabc",
    "has another encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
}


@pytest.fixture
def odd(request):
    """A collector that accepts, reads, and then answers as it should not, or never."""
    if request.param == "is down":
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        return
    answer, done = GARBAGE[request.param], threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1 << 16)
            if answer is None:
                done.wait()
            else:
                self.request.sendall(answer)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    # An answer that can't be decoded leaves its socket in a cycle, which must not end in the middle of another test.
    gc.collect()
    done.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("odd", GARBAGE, indirect=True)
def test_a_collector_that_talks_nonsense_or_never_ends_no_run(odd, tick_of, monkeypatch):
    """Its threads come to their end, with one word about it and no trace on the screen."""
    monkeypatch.setattr("loadtester.live.collector.LIMIT_S", 0.2)
    said = []
    with Otel(scenario(odd), said.append) as otel:
        otel.observe(tick_of(ok=1))
    drive(scenario(odd, **{"observe.otel_sample": "1"}), n=3)
    assert said == ["the OpenTelemetry collector did not take the metrics; the run goes on"]
    assert not [thread for thread in threading.enumerate() if thread.name in ("fmload-otel", "fmload-spans")]


def test_spans_that_nobody_takes_are_dropped(monkeypatch):
    """What waits for a collector is bounded, whatever the target refuses."""
    module = sys.modules["loadtester.live.traced"]
    monkeypatch.setattr(module, "Thread", lambda **_: threading.Thread(target=lambda: None))
    spans = Spans(None, resolve({}), print)
    for number in range(20_000):
        spans.keep(number)
    assert len(spans._waiting) == 8_192


@pytest.mark.parametrize(("is_late", "said"), [(True, "timeout"), (False, "cancelled")])
def test_a_request_that_is_cut_short_has_a_span(receiver, is_late, said):
    """What took too long is a timeout, what the user's stop cut short is not; both stay cancelled."""

    class Slow(Target):
        async def send(self, *_):
            await asyncio.Event().wait()

    async def run():
        made = scenario(receiver.url)
        driver = Traced(Slow(), made, Spans(Collector(receiver.url, "w", "r"), made, print), draw=Random(1))
        request = Request(0, "greeting", "ai", "model-a", "p", "s", 1, 64, "en")
        deadlines = Deadlines(0.001 if is_late else 3600.0)

        async def send():
            deadlines.begin()
            await driver.send(request, launched())

        task = asyncio.create_task(send())
        await asyncio.sleep(0)
        if not is_late:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deadlines.close()
        await driver.aclose()

    asyncio.run(run())
    (span,) = receiver.spans
    assert attributes(span)["error.type"] == attributes(span)["fmload.outcome"] == said


@pytest.mark.parametrize(("retries", "is_told"), [(0, True), (1, False)])
def test_a_broken_answer_tells_when_it_began(receiver, retries, is_told):
    """A failure has the time to its first content, sampled or not; a later attempt, launched by another, has not."""

    class Breaking(Target):
        async def send(self, _request, probe):
            for _ in range(retries):
                probe.again()
            probe.chunk(1, "a")
            return Ending(Outcome.BROKEN)

    async def run():
        made = scenario(receiver.url, **{"observe.otel_sample": "0"})
        driver = Traced(Breaking(), made, Spans(Collector(receiver.url, "w", "r"), made, print))
        await driver.send(Request(0, "greeting", "ai", "model-a", "p", "s", 1, 64, "en"), launched())
        await driver.aclose()

    asyncio.run(run())
    (span,) = receiver.spans
    assert ("gen_ai.response.time_to_first_chunk" in attributes(span)) is is_told


def test_tokens_are_counted_by_model_and_kind(receiver):
    """A target that names the model that was asked, and one that names none, count as one."""
    made = scenario(receiver.url)
    spans = Spans(Collector(receiver.url, "w", "r"), made, print)
    for answered_by in ("model-a", None, "model-b"):
        spans.count("model-a", answered_by, Usage(100, 20, cache_read=5))
    spans.count("model-a", None, Usage(7, 7, is_estimated=True))
    spans.close()
    (metric,) = receiver.metrics[-1:]
    points = {
        (labels["gen_ai.response.model"], labels["gen_ai.token.type"]): (point.count, point.sum)
        for point in metric.histogram.data_points
        for labels in (attributes(point),)
    }
    assert points == {
        ("model-a", "input"): (2, 210), ("model-a", "output"): (2, 40),
        ("model-b", "input"): (1, 105), ("model-b", "output"): (1, 20),
    }  # fmt: skip


def test_the_trace_stands_before_the_length():
    """One more field in a head that is made once; the user's own trace stays as it is."""
    head = post_head("h", "/p", {}, accept="*/*")
    assert with_trace(head, "00-a-b-01").endswith(b"\r\ntraceparent: 00-a-b-01\r\ncontent-length: ")
    own = post_head("h", "/p", {"Traceparent": "00-c-d-01"}, accept="*/*")
    assert with_trace(own, "00-a-b-01") == own


class NoSpans:
    """A collector that takes metrics only."""

    resource = None

    def __init__(self):
        self.metrics = []

    def send_spans(self, spans):
        return len(spans)

    def send_metrics(self, metrics):
        self.metrics += metrics
        return True

    def close(self):
        pass


def test_refused_spans_are_told_of_once_and_usage_is_sent_all_the_same():
    """A collector without a traces endpoint has its tokens, and the user knows why there are no spans."""
    said, collector = [], NoSpans()
    made = resolve({"observe.otel_sample": "100%", "observe.otel_endpoint": "http://127.0.0.1:1"})
    spans = Spans(collector, made, said.append)
    request = Request(3, "greeting", "ai", "model-a", "hello", "s", 1, 64, "en")
    for _ in range(600):  # two batches
        spans.keep(Exchange(1, 2, request, 1, 2, None, Ending(Outcome.OK)))
    spans.count("model-a", None, Usage(100, 20))
    spans.close()
    assert said == ["the OpenTelemetry collector did not take spans; the run goes on"]
    assert {metric.name for metric in collector.metrics} == {"gen_ai.client.token.usage"}


def test_a_warm_up_is_in_requests_and_cost_and_in_no_duration(second_of):
    """Money that was spent is told of, whenever it was; times of the warm-up are nobody's measurement."""
    cold = second_of(ok=2)
    warm = replace(cold, cells=None, counts=None, warm=cold.cells, warm_planned=2, warm_sent=2)
    otel = Otel(scenario("http://127.0.0.1:1"), print)
    otel.observe(Meter().add(warm))
    by_name = {metric.name: metric for metric in otel._metrics()}
    assert set(by_name) == {"fmload.requests", "fmload.cost"}
    assert sum(point.value for point in by_name["fmload.requests"].data.data_points) == 2
    assert sum(point.value for point in by_name["fmload.cost"].data.data_points) == pytest.approx(0.007)
