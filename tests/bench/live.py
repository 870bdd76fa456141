"""What watching costs the load: `fmload run` with `--quiet`, and watched in each of the ways there are.

Sender and null target have a core each. The runs of each way alternate with quiet ones, and its figures are medians
over the pairs; the spread says how far to trust them: on a busy machine not far, where rates and lags are concerned.
What processor time a run takes above its quiet neighbour at the same rate stands beside them: a full core loses at
most that part of its rate. The screen's own time is measured apart, on its thread, over the seconds of a made-up run
in which everything happens.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

import numpy as np
from null_target import null_target, usual_routes
from rich.console import Console

from loadtester.live.screen import Facts, Screen
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Meter, count_ns

ROUNDS = 4
_SECONDS = 6
_PACED_PER_S = 1_000
_SIZE = (24, 80)
_TICKS = 200

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of two runs: one whose users don't pause, and one at a fixed rate, with its lag and its processor time."""

    per_s: float
    lag_p99_s: float
    cpu_s: float


#: A way of watching: the flags for it, and where the run's stderr goes.
Watched = tuple[tuple[str, ...], int]
Way = Callable[[], AbstractContextManager[Watched]]


def rows() -> Iterator[Row]:
    """Each way of watching when it is known."""
    for width, height in ((80, 24), (160, 50)):
        yield f"screen, {width}x{height}", f"{_screen_share(width, height):.2%} of a core (goal 2 %)"
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield "watched runs", "left out: it takes two cores"
        return
    os.sched_setaffinity(0, {cores[0]})
    try:
        with null_target(usual_routes(), cores[0]) as target:
            sender = _Sender(f"http://127.0.0.1:{target.port}", cores[1])
            for name, way in (("screen", _screen), ("--prometheus, scraped each second", _scraped), ("--otel", _otel)):
                yield from _against_quiet(name, sender, way)
    finally:
        os.sched_setaffinity(0, set(cores))


def _against_quiet(name: str, sender: _Sender, way: Way) -> Iterator[Row]:
    quiet, watched = [], []
    for number in range(ROUNDS):
        # Which of a pair goes first changes, so that a drift of the machine is in neither's favour.
        for ways, kept in ((_quiet, quiet), (way, watched))[:: 1 if number % 2 else -1]:
            kept.append(sender.figures(ways))
    ratios = [after.per_s / before.per_s for before, after in zip(quiet, watched, strict=True)]
    shares = [(after.cpu_s - before.cpu_s) / _SECONDS for before, after in zip(quiet, watched, strict=True)]
    rates = [statistics.median(figures.per_s for figures in runs) for runs in (quiet, watched)]
    lags_us = [statistics.median(figures.lag_p99_s for figures in runs) * 1e6 for runs in (quiet, watched)]
    rate = f"{statistics.median(ratios):.3f} × the rate of -q ({min(ratios):.3f} to {max(ratios):.3f})"
    yield f"{name}, 64 users without a pause", f"{rate}; {rates[1]:,.0f}/s, {rates[0]:,.0f}/s"
    share = f"{statistics.median(shares):.1%} of a core more ({min(shares):.1%} to {max(shares):.1%})"
    yield f"{name}, {_PACED_PER_S:,}/s", f"{share}; lag p99 {lags_us[1]:,.0f} µs, of -q {lags_us[0]:,.0f} µs"


class _Sender:
    """`fmload run` at one target, in a process on `core`."""

    def __init__(self, url: str, core: int) -> None:
        self._url, self._core = url, core

    def figures(self, way: Way) -> Figures:
        """Of two runs that are watched in one way."""
        users, _ = self._run(way, "--users", "64", "--think-time", "0s")
        paced, cpu_s = self._run(way, "--rate", f"{_PACED_PER_S}/s")
        return Figures(users["rates"]["throughput_per_s"], paced["lag_s"]["p99"], cpu_s)

    def _run(self, way: Way, *load: str) -> tuple[dict[str, dict[str, float]], float]:
        """Its summary, and its processor time in seconds."""
        with tempfile.TemporaryDirectory() as root, way() as (flags, stderr):
            command = ["taskset", "-c", str(self._core), sys.executable, "-m", "loadtester", "run", self._url]
            command += ["--protocol", "rest", "-d", f"{_SECONDS}s", "--out", root, "-y", "--summary", "none"]
            environment = {**os.environ, "TERM": "xterm-256color"}
            environment.pop("NO_COLOR", None)
            # A run that a busy machine spoiled says so by its code; the spread of the ratios says it here.
            process = subprocess.Popen(
                [*command, *load, *flags], stdout=subprocess.DEVNULL, stderr=stderr, env=environment
            )
            process.wait()
            (found,) = Path(root).glob("*/summary.json")
            # What the run itself used: loading libraries before it is no cost of the load's.
            seconds = (found.parent / "timeline.ndjson").read_text("utf-8").splitlines()
            return json.loads(found.read_text("utf-8")), sum(json.loads(second)["cpu_s"] for second in seconds)


@contextmanager
def _quiet() -> Iterator[Watched]:
    yield ("-q",), subprocess.DEVNULL


@contextmanager
def _screen() -> Iterator[Watched]:
    """On a pseudo-terminal that somebody reads."""
    reading, drawn = pty.openpty()
    fcntl.ioctl(drawn, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
    read = Thread(target=_drain, args=(reading,))
    read.start()
    try:
        yield (), drawn
    finally:
        os.close(drawn)
        read.join()
        os.close(reading)


def _drain(reading: int) -> None:
    try:
        while os.read(reading, 1 << 16):
            pass
    except OSError:  # the other end is closed
        pass


@contextmanager
def _scraped() -> Iterator[Watched]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    is_over = Event()
    scraping = Thread(target=_scrape, args=(f"http://127.0.0.1:{port}/metrics", is_over))
    scraping.start()
    try:
        yield ("-q", "--prometheus", f":{port}"), subprocess.DEVNULL
    finally:
        is_over.set()
        scraping.join()


def _scrape(url: str, is_over: Event) -> None:
    while not is_over.wait(1.0):
        try:
            with urlopen(url) as answer:  # noqa: S310  the run's own port
                answer.read()
        except OSError:  # not there yet, or no longer
            pass


@contextmanager
def _otel() -> Iterator[Watched]:
    """To a collector that takes everything."""
    with ExitStack() as ending:
        server = ending.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Taking))
        serving = Thread(target=server.serve_forever)
        serving.start()
        ending.callback(serving.join)
        ending.callback(server.shutdown)
        yield ("-q", "--otel-endpoint", f"http://127.0.0.1:{server.server_port}"), subprocess.DEVNULL


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _screen_share(width: int, height: int) -> float:
    """Processor time of adding up and drawing one second, in seconds."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="256", width=width, height=height)
    facts = Facts(10**6, float(_TICKS), "bench", Decimal(100), 10**6, {f"query {n}": 0.1 for n in range(10)})
    meter, seconds = Meter(), [_second(number) for number in range(_TICKS)]
    with Screen(console, facts) as screen:
        began_s = time.thread_time()
        for second in seconds:
            screen.observe(meter.add(second))
        return (time.thread_time() - began_s) / _TICKS


def _second(number: int) -> Interval:
    """A second of ten query types, a thousand requests each."""
    rng = np.random.default_rng(number)
    cells, counts = {}, {}
    for n in range(10):
        labels = {"query": f"query {n}", "kind": "ai", "model": f"model-{n % 2}"}
        for outcome in (Outcome.OK, Outcome.THROTTLED, Outcome.TIMEOUT):
            cells[CellKey(**labels, answered_by="", outcome=outcome)] = Cell(count=333, sent=333)
        for metric in ("latency", "service", "ttft", "ttft_service", "lag"):
            took_ns = (rng.lognormal(0.0, 0.5, 1_000) * 1e9).astype(np.int64)
            counts[Series(metric, **labels, is_ok=True)] = count_ns(took_ns)
    failures = {(Outcome.THROTTLED, "Too many tokens, please wait before trying again."): 3_330}
    return Interval(number, planned=10_000, sent=10_000, in_flight=500, cells=cells, counts=counts, failures=failures)
