"""What the program does, from a scenario to a report: the table of contents."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadtester import __version__
from loadtester.analysis import Report, summarise
from loadtester.bundled import bundled_target
from loadtester.cost import PriceTable, price_table
from loadtester.drivers import Driver, driver_for
from loadtester.engine import Engine
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Shard, arrivals_of, shard_engine
from loadtester.live import Observer
from loadtester.loop import LOOP, on_loop
from loadtester.model import Usage
from loadtester.recorder import Interval, Meter
from loadtester.reporters import summary_text
from loadtester.rundir import SCHEMA, Writer, new_directory, put, read, require_writable
from loadtester.scenario import Scenario, Target, redacted
from loadtester.schedule import Arrivals

#: Makes the observer of a run of so many requests over so many seconds.
Watch = Callable[[int, float], Observer]

_LIBRARIES = ("aioboto3", "hdrhistogram", "httptools", "numpy", "picows")


def run(scenario: Scenario, watch: Watch) -> Report:
    """Run a scenario and judge it. Raises FmloadError where it could not begin."""
    return on_loop(_run(scenario, watch))


def report(directory: Path) -> Report:
    """Judge a run directory again, whole or cut short, and put its summary there."""
    past = read(directory)
    judged = summarise(past.manifest, past.recording, price_table(_price_overrides(past.manifest)))
    put(directory, "summary.json", summary_text(judged))
    return judged


async def _run(scenario: Scenario, watch: Watch) -> Report:
    arrivals = arrivals_of(scenario)
    prices = price_table(scenario.prices)
    require_writable(scenario.output.directory)
    started_at = datetime.now(UTC)
    directory = new_directory(scenario.output.directory, scenario.output.name, started_at)
    with _interruptible() as interrupts, watch(len(arrivals), arrivals.duration_s) as observer:
        interrupts.say = observer.say
        try:
            async with _target(scenario, directory, observer) as target, _driver(target) as driver:
                await driver.check()
                await _drive(scenario, arrivals, driver, directory, prices, observer, interrupts)
        except BaseException:
            if not (directory / "manifest.json").exists():
                shutil.rmtree(directory, ignore_errors=True)
            raise
    return report(directory)


async def _drive(
    scenario: Scenario,
    arrivals: Arrivals,
    driver: Driver,
    directory: Path,
    prices: PriceTable,
    observer: Observer,
    interrupts: _Interrupts,
) -> None:
    """Send the load, recording as it goes; the run directory is whole when this returns."""
    started_at = datetime.now(UTC)
    writer = Writer(directory, _manifest(scenario, arrivals, directory, prices, started_at), started_at)
    meter = Meter()

    def record(interval: Interval, rows: list[str]) -> None:
        writer.write(interval, rows)
        observer.observe(meter.add(interval))

    def price(model: str, usage: Usage) -> Any:
        return prices.usd(model, usage)

    engine = shard_engine(scenario, arrivals, driver, shard=Shard(), price=price, sink=record)
    interrupts.engine = engine
    ending: dict[str, Any] = {}
    try:
        await engine.open()
        await engine.run(time.perf_counter_ns())
    except FmloadError as error:
        ending = {"status": "aborted", "error": str(error), "exit_codes": [int(error.code)]}
        observer.say(str(error))
    finally:
        status = "interrupted" if engine.is_stopped else "complete"
        writer.update_manifest(**({"status": status, "elapsed_s": engine.elapsed_s} | ending))
        writer.close()


@asynccontextmanager
async def _target(scenario: Scenario, directory: Path, observer: Observer) -> AsyncIterator[Target]:
    """The target to drive: the user's, or the bundled one, started here and stopped at the end."""
    target = scenario.target
    if target.url is not None or target.endpoint_url is not None or target.region is not None:
        yield target
        return
    if target.protocol == "openai":
        raise FmloadError(
            "the bundled target speaks ws, rest, sse and bedrock, not openai",
            remedy="name a target, such as openai+http://127.0.0.1:8000/v1",
            code=Exit.USAGE,
        )
    observer.say("starting the bundled MangaAssist and its Bedrock emulator on loopback …")
    async with bundled_target(scenario.bundled, directory / "target") as urls:
        if target.protocol == "bedrock":
            # The emulator takes any signature; the user's own credentials are not needed and not used.
            os.environ.update(AWS_ACCESS_KEY_ID="bundled", AWS_SECRET_ACCESS_KEY="bundled")  # noqa: S106  not a secret
            yield replace(target, region="ap-northeast-1", endpoint_url=urls.bedrock)
        else:
            yield replace(target, url=urls.app)


@asynccontextmanager
async def _driver(target: Target) -> AsyncIterator[Driver]:
    driver = driver_for(target)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(driver.aclose)
        yield driver


class _Interrupts:
    """What Ctrl-C and SIGTERM do: before the load they end the program; first they drain the run, then they stop it."""

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        self._task = task
        self.engine: Engine | None = None
        self.say: Callable[[str], None] = lambda _: None

    def __call__(self) -> None:
        if self.engine is None:
            if self._task is not None:
                self._task.cancel()
        elif self.engine.is_stopped:
            self.say("stopping now")
            self.engine.abort()
        else:
            self.say("stopping: nothing more is sent, waiting for what is in flight (again to stop now)")
            self.engine.stop()


@contextmanager
def _interruptible() -> Iterator[_Interrupts]:
    interrupts = _Interrupts(asyncio.current_task())
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM) if sys.platform != "win32" else ()
    for number in signals:
        loop.add_signal_handler(number, interrupts)
    try:
        yield interrupts
    except asyncio.CancelledError as error:
        raise FmloadError("interrupted before any load was sent", code=Exit.INTERRUPTED) from error
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _manifest(
    scenario: Scenario, arrivals: Arrivals, directory: Path, prices: PriceTable, started_at: datetime
) -> dict[str, Any]:
    shown = redacted(scenario)
    return {
        "schema": SCHEMA,
        "id": directory.name,
        "name": scenario.output.name,
        "status": "running",
        "started_at": started_at.isoformat(timespec="milliseconds"),
        "target": shown["target"]["url"] or "the bundled MangaAssist",
        "protocol": scenario.target.protocol,
        "pattern": scenario.load.pattern,
        "seed": scenario.load.seed,
        "workers": 1,
        "plan": {
            "requests": len(arrivals),
            "duration_s": arrivals.duration_s,
            "sha256": sha256(arrivals.due_ns.tobytes() + arrivals.session.tobytes()).hexdigest(),
        },
        "scenario": shown,
        "price_table": prices.source,
        "clock": "time.perf_counter_ns",
        "versions": {
            "fmload": __version__,
            "python": platform.python_version(),
            "loop": LOOP,
            **{name: version(name) for name in _LIBRARIES},
        },
        "host": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
        },
    }


def _price_overrides(manifest: dict[str, Any]) -> Any:
    return manifest["scenario"].get("prices") or {}
