"""Who watches a run from the command line: what is drawn where, and what a bad wish does before anything is sent."""

import gzip
import io
import json
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtester.cli.watch import watch_of
from loadtester.errors import FmloadError
from loadtester.live import Quiet
from loadtester.live.lines import Lines
from loadtester.live.screen import Screen
from loadtester.scenario import resolve

ANSWER = json.dumps({"model": "m", "finish_reason": "end_turn", "answer": "x"}).encode()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "flags", "front"),
    [
        (Terminal, {}, {}, Screen),
        (Terminal, {"NO_COLOR": "1"}, {}, Lines),
        (Terminal, {}, {"no_color": True}, Lines),
        (io.StringIO, {}, {}, Lines),
        (Terminal, {}, {"quiet": True}, Quiet),
    ],
)
def test_a_screen_is_for_a_terminal_with_colours(monkeypatch, stream, environment, flags, front):
    """Elsewhere there are lines, and with --quiet nothing."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", stream())
    together = watch_of(resolve({}), **{"quiet": False, "no_color": False, **flags})(10, 5.0)
    with together:
        assert type(together._front) is front


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("observe.prometheus", "9464x"),
        ("observe.prometheus", ":70000"),
        ("observe.prometheus", "a host:1"),
        ("observe.remote_write", "localhost:9090"),
        ("observe.remote_write", "http://"),
        ("observe.otel_endpoint", "grpc://h:4317"),
        ("observe.otel_endpoint", "http://h:99999"),
        ("observe.otel_sample", "2"),
        ("observe.otel_sample", "-1%"),
        ("observe.otel_sample", "some"),
    ],
)
def test_a_wish_that_makes_no_sense_is_told_by_its_flag(path, value):
    """Which flag it was, and what would be right."""
    flag = {"observe.remote_write": "--prometheus-remote-write"}.get(
        path, "--" + path.removeprefix("observe.").replace("_", "-")
    )
    with pytest.raises(FmloadError, match=re.escape(flag)):
        resolve({path: value})


class Server:
    """The target and the collector in one: answers questions, keeps telemetry and the traces it was told of."""

    def __init__(self):
        self.spans, self.metrics, self.instances, self.parents = [], [], set(), []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(b"{}")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-encoding"] == "gzip":
                    body = gzip.decompress(body)
                server.take(self.path, body, self.headers["traceparent"])
                self.answer(ANSWER if "chat" in self.path else b"", 404 if "nowhere" in self.path else 200)

            def answer(self, body, status=200):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def take(self, path, body, parent):
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                self.instances.add(named["service.instance.id"])
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics += [metric for scope in resource.scope_metrics for metric in scope.metrics]
        elif path == "/v1/chat":
            self.parents.append(parent)


@pytest.fixture
def server():
    found = Server()
    thread = threading.Thread(target=found.http.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.http.shutdown()
    thread.join()
    found.http.server_close()


def fmload(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "loadtester", "run", *args, "--summary", "none"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_of_several_processes_sends_its_own_spans(server, tmp_path):
    """With every request sampled, targets and collector know the same traces, and each process is an instance."""
    flags = ("--protocol", "rest", "-n", "20", "-d", "1s", "--workers", "2", "--otel-sample", "100%")
    done = fmload(server.url, *flags, "--otel-endpoint", server.url, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    told = {f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in server.spans}
    assert len(server.spans) == len(server.parents) == 20
    assert told == set(server.parents)
    assert len(server.instances) == 2
    requests = [metric for metric in server.metrics if metric.name == "fmload.requests"][-1]
    assert sum(point.as_double for point in requests.sum.data_points) == 20.0


def test_a_collector_that_takes_nothing_is_one_line_and_no_end(server, tmp_path):
    """The run sends all it planned, tells no trace to the target unasked, and keeps its report."""
    flags = ("--protocol", "rest", "-n", "10", "-d", "1s", "--otel-sample", "0")
    done = fmload(server.url, *flags, "--otel-endpoint", f"{server.url}/nowhere", cwd=tmp_path)
    assert done.stderr.count("collector did not take") == 1
    assert "Traceback" not in done.stderr
    assert server.parents == [None] * 10
    (summary,) = tmp_path.glob("reports/*/summary.json")
    assert json.loads(summary.read_text())["funnel"]["sent"] == 10


def test_a_port_in_use_ends_it_before_anything_is_sent(server, tmp_path):
    """Code 2, what to do, and no run directory."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fmload(server.url, "--protocol", "rest", "--prometheus", f":{port}", cwd=tmp_path)
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert "another port" in done.stderr
    assert "Traceback" not in done.stderr
    assert server.parents == []
    assert list(tmp_path.glob("reports/*")) == []
