"""A short self-test against a target on loopback that answers at once.

Whatever is measured there is not the target's: how late requests leave, and what a round trip takes that does nothing.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from loadtester import __version__
from loadtester.doctor.calibration import Calibration, Step
from loadtester.doctor.machine import clock_figures
from loadtester.drivers import Driver, driver_for
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Shard, arrivals_of, shard_engine
from loadtester.loop import LOOP, on_loop
from loadtester.model import Outcome
from loadtester.recorder import Histogram, Interval, Probe, Recorder, Recording, recording
from loadtester.scenario import Scenario, resolve
from loadtester.workload import Workload

RATES_PER_S = (200, 1_000, 3_000)
_STEP_S = 2.0
_IN_FLIGHT = 64
#: How long the target may take to start, in seconds.
_START_LIMIT_S = 30.0


def calibrate(rates_per_s: Sequence[int] = RATES_PER_S, step_s: float = _STEP_S) -> Calibration:
    """Run the self-test, `step_s` for each rate and for the maximum. Raises FmloadError where it can't be run."""
    return on_loop(_calibrate(rates_per_s, step_s))


async def _calibrate(rates_per_s: Sequence[int], step_s: float) -> Calibration:
    clock_step_s, clock_read_s = clock_figures(time.perf_counter_ns)
    async with _echo() as url:
        await _step(url, rates_per_s[0], step_s / 4)  # the first run pays for what is only done once
        steps = [await _step(url, rate_per_s, step_s) for rate_per_s in rates_per_s]
        max_per_s = await _most(url, step_s)
    return Calibration(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        host=platform.platform(),
        fmload=__version__,
        python=platform.python_version(),
        loop=LOOP,
        cores=os.cpu_count() or 1,
        clock_step_s=clock_step_s,
        clock_read_s=clock_read_s,
        steps=tuple(steps),
        max_per_s=max_per_s,
    )


async def _step(url: str, rate_per_s: int, step_s: float) -> Step:
    """An open-loop run as any other: the same plan, engine and recorder."""
    scenario = _scenario(url, rate_per_s, step_s)
    arrivals = arrivals_of(scenario)
    intervals: list[Interval] = []
    driver = driver_for(scenario.target)
    try:
        engine = shard_engine(
            scenario,
            arrivals,
            driver,
            shard=Shard(),
            price=_no_price,
            sink=lambda interval, _: intervals.append(interval),
        )
        await engine.open()
        await engine.run(time.perf_counter_ns())
    finally:
        await driver.aclose()
    run = recording(intervals)
    lag, round_trip = _histogram(run, "lag"), _histogram(run, "service")
    return Step(
        rate_per_s=rate_per_s,
        planned=len(arrivals),
        answered=_answered(run),
        lag_p50_s=lag.percentile_s(50),
        lag_p99_s=lag.percentile_s(99),
        round_trip_p50_s=round_trip.percentile_s(50),
        round_trip_p99_s=round_trip.percentile_s(99),
    )


async def _most(url: str, step_s: float) -> float:
    """Answers a second of one process with 64 requests always in flight: making, sending, reading, recording them."""
    scenario = _scenario(url, RATES_PER_S[0], step_s)
    arrivals = arrivals_of(scenario)
    workload = Workload(arrivals, scenario.mix, max_tokens=scenario.max_tokens, seed=scenario.load.seed)
    recorder = Recorder(slo_s=scenario.judge.slo_s, price=_no_price)
    driver = driver_for(scenario.target)
    zero_ns = time.perf_counter_ns()

    def now_ns() -> int:
        return time.perf_counter_ns() - zero_ns

    end_ns = round(step_s * 1e9)
    try:
        await asyncio.gather(
            *(_ask_on(driver, workload, recorder, now_ns, end_ns, first, len(arrivals)) for first in range(_IN_FLIGHT))
        )
    finally:
        await driver.aclose()
    elapsed_s = now_ns() / 1e9
    interval, _ = recorder.flush(0, planned=0, sent=0, in_flight=0, stall_s=0.0)
    return _answered(recording([interval])) / elapsed_s


async def _ask_on(
    driver: Driver,
    workload: Workload,
    recorder: Recorder,
    now_ns: Callable[[], int],
    end_ns: int,
    first: int,
    planned: int,
) -> None:
    """Ask, and when answered ask the next, until the time is up."""
    row = first
    while (due_ns := now_ns()) < end_ns:
        request = workload.request(row % planned)
        row += _IN_FLIGHT
        probe = Probe(now_ns, due_ns)
        probe.launched()
        ending = await driver.send(request, probe)
        probe.done()
        recorder.add(request, probe, ending)


def _scenario(url: str, rate_per_s: int, duration_s: float) -> Scenario:
    return resolve(
        {
            "target.url": url,
            "target.protocol": "rest",
            "load.pattern": "sustained",
            "load.rate": f"{rate_per_s}/s",
            "load.duration": f"{duration_s}s",
            "load.timeout": "5s",
            "load.workers": "1",
        }
    )


def _histogram(run: Recording, metric: str) -> Histogram:
    """Of all requests; raises FmloadError where there were none."""
    total = Histogram()
    for series, histogram in run.histograms().items():
        if series.metric == metric:
            total.merge(histogram)
    if not total.total:
        raise FmloadError(
            "the self-test got no answer from its own target on loopback",
            remedy="let fmload connect to 127.0.0.1 (a firewall or sandbox may forbid it)",
            code=Exit.UNREACHABLE,
        )
    return total


def _answered(run: Recording) -> int:
    return sum(cell.count for key, cell in run.cells().items() if key.outcome is Outcome.OK)


def _no_price(_model: str, _usage: object) -> None:
    return None


@asynccontextmanager
async def _echo() -> AsyncIterator[str]:
    """The target, in a process of its own; gives its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtester.doctor.echo",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process was started with pipes")
    try:
        try:
            port = int(await asyncio.wait_for(process.stdout.readline(), _START_LIMIT_S))
        except (TimeoutError, ValueError) as error:
            raise FmloadError(
                "the self-test's target on loopback did not start",
                remedy="let fmload listen on 127.0.0.1 (a sandbox may forbid it)",
                code=Exit.UNREACHABLE,
            ) from error
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()
