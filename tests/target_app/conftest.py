"""The target's two processes, started on free ports and ended after the test."""

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

LIMIT_S = 20.0


class Running(NamedTuple):
    process: subprocess.Popen
    url: str
    pid: int
    log: Path

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def wait_for_line(self, **wanted):
        """The first line of the log that has these fields; some are written after the client has left."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            for line in self.lines():
                if line.items() >= wanted.items():
                    return line
            assert time.monotonic() < deadline, f"no line with {wanted} in {self.lines()}"
            time.sleep(0.02)


class Pair(NamedTuple):
    app: Running
    bedrock: Running


@contextmanager
def running(directory, part, *options, env=None):
    """One process; it ends with its standard input, and must end with 0."""
    log = directory / f"{part}.ndjson"
    command = [sys.executable, "-m", "target_app", part, "--lifeline", "stdin", "--log", str(log), *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(env or {})}
    ) as process:
        try:
            ready = json.loads(process.stdout.readline())
            assert ready["ready"] is True
            yield Running(process, ready["url"], ready["pid"], log)
            process.stdin.close()
            assert process.wait(LIMIT_S) == 0
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def pair(directory, *bedrock_options):
    with ExitStack() as stack:
        bedrock = stack.enter_context(running(directory, "bedrock", *bedrock_options))
        app = stack.enter_context(running(directory, "app", "--bedrock-url", bedrock.url))
        yield Pair(app, bedrock)


@pytest.fixture
def start(tmp_path):
    """Starts one process, the part first and its options after it."""
    with ExitStack() as stack:
        yield lambda part, *options, env=None: stack.enter_context(running(tmp_path, part, *options, env=env))


@pytest.fixture
def start_pair(tmp_path):
    """Starts the emulator with the options given, and the service on it."""
    with ExitStack() as stack:
        yield lambda *bedrock_options: stack.enter_context(pair(tmp_path, *bedrock_options))


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """Service and emulator without waits and without a quota, for all tests of a module."""
    with pair(tmp_path_factory.mktemp("fast"), "--time-scale", "0", "--tokens-per-minute", "0") as both:
        yield both


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while there is something to do, and then jumps to the next timer."""

    now_s = 0.0

    def time(self):
        return self.now_s

    def _run_once(self):
        timers = [timer.when() for timer in self._scheduled if not timer.cancelled()]
        if timers and not self._ready:
            self.now_s = max(self.now_s, min(timers))
        super()._run_once()


@pytest.fixture(scope="session")
def run_virtually():
    """Runs a coroutine on a loop that never waits; `loop.time()` is what would have passed."""

    def run(coroutine):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(coroutine)

    return run
