"""What holds for every test."""

import asyncio
import json
import os
import threading

import numpy as np
import pytest
from hypothesis import settings

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording
from loadtester.recorder.histogram import count_ns
from loadtester.scenario.mix import HAIKU

# The same examples each time, and no clock: a busy machine, or a first import, is no fault.
settings.register_profile("fmload", deadline=None, derandomize=True)
settings.load_profile("fmload")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """In CI nothing may be skipped: there a missing server or tool is a fault of the set-up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _interval(second, latencies_ns, ttft_ns, outcomes, slo_ns):
    rest = {"query": "greeting", "kind": "ai", "model": HAIKU}
    ok = Series("latency", **rest, is_ok=True)
    first = Series("ttft", **rest, is_ok=True)
    cells = {}
    for outcome, count in outcomes.items():
        in_slo = int(np.count_nonzero(latencies_ns <= slo_ns)) if outcome is Outcome.OK else 0
        tokens = {"input": 500 * count, "output": 200 * count} if outcome is Outcome.OK else {}
        answered_by = HAIKU if outcome is Outcome.OK else ""
        cells[CellKey("greeting", "ai", HAIKU, answered_by, outcome)] = Cell(count, count, in_slo, **tokens)
    counts = {ok: count_ns(latencies_ns), first: count_ns(ttft_ns)} if len(latencies_ns) else {}
    sent = sum(outcomes.values())
    return Interval(second, planned=sent, sent=sent, cells=cells, counts=counts, failures={})


class QueuedTarget(asyncio.Protocol):
    """Answers chats over REST one after another, each after `service_s`; whoever comes waits, however long."""

    def __init__(self, queue):
        self.queue = queue
        self.read = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.read += data
        head, _, asked = self.read.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        if b"\r\n\r\n" in self.read and len(asked) == int(fields.get(b"content-length", 0)):
            self.read = b""
            if asked:
                self.queue.add(self.answer, json.loads(asked))
            else:
                self.write({})

    def answer(self, asked):
        usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 0, "cache_write_tokens": 0}
        same = {name: asked[name] for name in ("request_id", "session_id")}
        self.write({**same, "model": HAIKU, "finish_reason": "end_turn", "usage": usage, "answer": "yes"})

    def write(self, message):
        body = json.dumps(message).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


class Queue:
    """One server's turns, each `service_s` long."""

    def __init__(self, service_s):
        self.service_s = service_s
        self.loop = asyncio.new_event_loop()
        self.free_s = 0.0

    def add(self, call, *args):
        """Call when its turn is over."""
        self.free_s = max(self.free_s, self.loop.time()) + self.service_s
        self.loop.call_at(self.free_s, call, *args)


@pytest.fixture
def queued_target():
    """Starts a target on a thread of its own that takes `service_s` for each chat; its URL."""
    running = []

    def start(service_s=0.0):
        queue = Queue(service_s)
        server = queue.loop.run_until_complete(queue.loop.create_server(lambda: QueuedTarget(queue), "127.0.0.1", 0))
        thread = threading.Thread(target=queue.loop.run_forever)
        thread.start()
        running.append((queue.loop, server, thread))
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for loop, server, thread in running:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()


@pytest.fixture(scope="session")
def made_run():
    """A run of one query type: `per_s` requests a second, of which `throttled` and `failed` in a hundred aren't ok.

    Latencies are lognormal, `scale` times a median of a second, and alike in neighbouring seconds. Returns its
    manifest and recording; `changes` are of the scenario, by dotted path.
    """

    def make(*, seed=1, seconds=60, per_s=10, scale=1.0, throttled=0, failed=0, ok=True, status="complete", **changes):
        rng = np.random.default_rng(seed)
        drift = 0.0
        intervals = []
        for second in range(seconds):
            drift = 0.6 * drift + 0.08 * rng.standard_normal()
            bad = {Outcome.THROTTLED: rng.binomial(per_s, throttled / 100), Outcome.SERVER_ERROR: 0}
            bad[Outcome.SERVER_ERROR] = rng.binomial(per_s - bad[Outcome.THROTTLED], failed / 100 if ok else 1.0)
            good = per_s - sum(bad.values())
            latencies_ns = (1e9 * scale * np.exp(0.4 * rng.standard_normal(good) + drift)).astype(np.int64)
            outcomes = {outcome: int(n) for outcome, n in {Outcome.OK: good, **bad}.items() if n}
            intervals.append(_interval(second, latencies_ns, latencies_ns // 4, outcomes, 3_000_000_000))
        scenario = {
            "load": {"pattern": "sustained", "rate_per_s": per_s, "duration_s": seconds, "seed": seed, "stages": []},
            "target": {"protocol": "ws", "url": None, "region": None, "endpoint_url": None, "headers": {}},
            "bundled": {"seed": 1, "time_scale": 1.0},
            "mix": [{"name": "greeting", "share": 1.0, "model": HAIKU, "kind": "ai"}],
            "max_tokens": 1024,
            "judge": {"slo_s": 3.0, "daily_messages": 1_000_000},
            "output": {"name": "r", "tags": {}},
            "prices": {},
        }
        for path, value in changes.items():
            section, _, key = path.partition("__")
            if key:
                scenario[section][key] = value
            else:
                scenario[section] = value
        manifest = {
            "schema": 1,
            "id": f"run-{seed}",
            "name": "r",
            "status": status,
            "started_at": "2026-11-21T07:30:05+00:00",
            "target": "the bundled MangaAssist",
            "protocol": scenario["target"]["protocol"],
            "model": "open",
            "pattern": "sustained",
            "seed": seed,
            "workers": 1,
            "plan": {"requests": seconds * per_s, "users": None, "duration_s": seconds},
            "scenario": scenario,
            "exit_codes": [],
            "elapsed_s": float(seconds),
        }
        return manifest, Recording(tuple(intervals))

    return make
