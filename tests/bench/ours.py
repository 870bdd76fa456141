"""fmload itself as one job in a process of its own: the engine, a driver, the recorder and the run directory.

`python ours.py JOB URL NUMBER` prints what it measured as JSON. JOB is `rest`, `sse`, `ws`, `converse` or
`converse_stream` for NUMBER requests with 64 in flight; `open` for NUMBER requests a second, on time; `paced` for
NUMBER streams at once.

The engine is an open-loop one. To find what it can do at most, its pacer is replaced by one that calls a row due when
one of the 64 slots is free: everything else (request, probe, task, driver, recording, a flush a second, files) is
what `fmload run` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from loadtester.campaign.scribe import Scribe
from loadtester.cost import price_table
from loadtester.drivers import Driver, Probe, driver_for
from loadtester.engine import Engine
from loadtester.engine import engine as engine_module
from loadtester.fleet import Shard, arrivals_of, shard_engine
from loadtester.loop import on_loop
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Interval, Meter, recording
from loadtester.rundir import Writer
from loadtester.scenario import Scenario, resolve
from loadtester.schedule import Arrivals

IN_FLIGHT = 64
OPEN_S = 6
PACED_RAMP_S = 10
_PATHS = {"converse": "", "converse_stream": "/stream"}


def main(job: str, url: str, number: int) -> dict[str, float]:
    """Do the job."""
    if job in ("open", "paced"):
        seconds = PACED_RAMP_S if job == "paced" else OPEN_S
        flags = {"load.rate": number / seconds if job == "paced" else number, "load.duration": f"{seconds}s"}
    else:
        flags = {"load.rate": number, "load.duration": "1s"}
    with tempfile.TemporaryDirectory() as root:
        scenario = resolve({**_target(job, url), **flags, "load.pattern": "sustained", "output.directory": root})
        return on_loop(_opened(scenario, job) if job in ("open", "paced") else _closed(scenario))


def _target(job: str, url: str) -> dict[str, object]:
    if job in _PATHS:
        os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench")
        return {
            "target.url": "bedrock:us-east-1",
            "target.endpoint_url": url + _PATHS[job],
            "target.streaming": job == "converse_stream",
        }
    protocol = {"open": "rest", "paced": "sse"}.get(job, job)
    return {"target.url": url, "target.protocol": protocol}


async def _closed(scenario: Scenario) -> dict[str, float]:
    gate = _Gate()
    engine_module.Pacer = gate.pacer  # type: ignore[assignment, misc]  the one seam: see the module's docstring
    arrivals = arrivals_of(scenario)
    # As many conversations as slots: a WebSocket is opened once for each, as its peer's are.
    turn = (arrivals.id // IN_FLIGHT + 1).astype(np.int32)
    turns = replace(arrivals, session=arrivals.id % IN_FLIGHT, turn=turn)
    return await _run(scenario, turns, lambda driver: driver, gate)


async def _opened(scenario: Scenario, job: str) -> dict[str, float]:
    errors_ns = array("q")
    stamped = (lambda driver: _Stamped(driver, errors_ns)) if job == "paced" else (lambda driver: driver)
    figures = await _run(scenario, arrivals_of(scenario), stamped)
    if errors_ns:
        figures["chunk_error_p50_us"], figures["chunk_error_p99_us"] = np.percentile(errors_ns, (50, 99)) / 1e3
    return figures


async def _run(
    scenario: Scenario, arrivals: Arrivals, wrap: Callable[[Driver], Driver], gate: _Gate | None = None
) -> dict[str, float]:
    prices = price_table(scenario.prices)
    intervals: list[Interval] = []
    meter = Meter()
    writer = Writer(scenario.output.directory / "run", {}, datetime.now(UTC))

    scribe = Scribe(writer)

    def sink(interval: Interval, rows: bytes) -> None:
        scribe.take(interval, rows)
        meter.add(interval)
        intervals.append(interval)

    driver = wrap(driver_for(scenario.target))
    engine = shard_engine(scenario, arrivals, driver, shard=Shard(), price=prices.usd, sink=sink)
    if gate is not None:
        gate.watch(engine)
    rss_kb = _rss_kb()
    try:
        cpu_s, began_s = time.process_time(), time.perf_counter()
        await engine.run(time.perf_counter_ns())
        await scribe.aclose()
        took_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    finally:
        await driver.aclose()
        writer.close()
    return _figures(engine, intervals, took_s) | {
        "cpu_us": used_s / len(arrivals) * 1e6,
        "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss_kb,
    }


def _figures(engine: Engine, intervals: list[Interval], took_s: float) -> dict[str, float]:
    whole = recording(intervals)
    endings = {key.outcome: 0 for key in whole.cells()}
    for key, cell in whole.cells().items():
        endings[key.outcome] += cell.count
    ok = endings.pop(Outcome.OK, 0)
    if endings:
        print(f"not ok: {endings}", file=sys.stderr)  # noqa: T201  a benchmark that fails says so
    lag = None
    for series, histogram in whole.histograms().items():
        if series.metric == "lag":
            if lag is None:
                lag = histogram
            else:
                lag.merge(histogram)
    return {
        "ok": ok,
        "per_s": ok / took_s,
        "elapsed_s": engine.elapsed_s,
        "most_in_flight": max(interval.in_flight for interval in intervals),
        "stall_ms": max(interval.stall_s for interval in intervals) * 1e3,
        "lag_p50_us": lag.percentile_s(50) * 1e6 if lag is not None else float("nan"),
        "lag_p99_us": lag.percentile_s(99) * 1e6 if lag is not None else float("nan"),
    }


class _Gate:
    """Stands in for the pacer: a row is due when a slot is free."""

    def __init__(self) -> None:
        self._left = 0
        self.next_row = 0
        self.finished = asyncio.Event()

    def pacer(self, due_ns: list[int], launch: Callable[[int], None], zero_ns: int) -> _Gate | _Still:
        """What the engine asks for: first the pacer of requests, then that of connections to open ahead."""
        if self._left:
            return _Still()
        self._due_ns, self._launch, self._zero_ns = due_ns, launch, zero_ns
        self._left = len(due_ns)
        return self

    def start(self) -> None:
        for _ in range(IN_FLIGHT):
            self._next()

    def stop(self) -> None:
        self.finished.set()

    def watch(self, engine: Engine) -> None:
        """A slot is free when the engine has landed a request."""
        land = engine._land

        def landed(task: asyncio.Task[None]) -> None:
            land(task)
            self._next()

        engine._land = landed  # type: ignore[method-assign]

    def _next(self) -> None:
        row = self.next_row
        if row == self._left:
            self.finished.set()
            return
        self.next_row = row + 1
        self._due_ns[row] = time.perf_counter_ns() - self._zero_ns
        self._launch(row)


class _Still:
    """Paces nothing."""

    next_row = 0

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class _Stamped:
    """A driver whose chunks say when they were written; keeps how much later each was seen."""

    def __init__(self, driver: Driver, errors_ns: array[int]) -> None:
        self.check, self.prepare, self.finish, self.aclose = driver.check, driver.prepare, driver.finish, driver.aclose
        self.opens_ahead = getattr(driver, "opens_ahead", True)
        self._send, self._errors_ns = driver.send, errors_ns

    async def send(self, request: Request, probe: Probe) -> Ending:
        seen = probe.chunks

        def chunks(n_bytes: int, texts: Sequence[str]) -> None:
            seen(n_bytes, texts)
            now_ns = time.perf_counter_ns()
            self._errors_ns.extend([now_ns - int(text) for text in texts])

        return await self._send(request, _Chunks(probe, chunks))


class _Chunks:
    """A probe with another `chunks`."""

    def __init__(self, probe: Probe, chunks: Callable[[int, Sequence[str]], None]) -> None:
        self.sent, self.connected, self.chunk, self.chunks = probe.sent, probe.connected, probe.chunk, chunks


def _rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() // 1024


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))  # noqa: T201  its parent reads it
