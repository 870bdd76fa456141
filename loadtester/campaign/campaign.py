"""What the program does, from a scenario to a report: the table of contents."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtester.analysis import Report, summarise
from loadtester.analysis.quotas.asked import Asked, asked_of
from loadtester.analysis.spent_so_far import spent_so_far
from loadtester.bundled import bundled_target
from loadtester.campaign.baseline import held_against, keep_manifest, kept_baseline
from loadtester.campaign.bounds import require_bounds
from loadtester.campaign.descriptors import raise_descriptor_limit
from loadtester.campaign.edited import judgeable
from loadtester.campaign.exports import Judged, export
from loadtester.campaign.gate import Gate, Stop
from loadtester.campaign.interrupts import Interrupts, Say, interruptible
from loadtester.campaign.manifest import RunPlan, manifest_of, planned_requests
from loadtester.campaign.scribe import Scribe
from loadtester.cost import price_table
from loadtester.cost.budget import Ledger
from loadtester.cost.lengths import Lengths
from loadtester.drivers import driver_for
from loadtester.engine import AnyEngine, Sink
from loadtester.engine.collector import quiet_collector
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import LocalFleet, Shard, plan_of, shard_engine, worker_count
from loadtester.live import Observer, Relay, traced
from loadtester.loop import on_loop
from loadtester.recorder import Interval
from loadtester.rundir import Writer, new_directory, read, request_text, require_writable
from loadtester.rundir.exchanges import read_exchanges
from loadtester.rundir.whole import requests_in, require_rows
from loadtester.scenario import Scenario, Target
from loadtester.scenario.threshold import Threshold
from loadtester.scenario.threshold_mix import require_in_mix
from loadtester.schedule import Users

#: Makes the observer of a run of so many requests, None where users decide that, over so many seconds.
Watch = Callable[[int | None, float], Observer]


def run(scenario: Scenario, watch: Watch, exports: Sequence[str] = (), baseline: str | None = None) -> Report:
    """Run a scenario, judge it, hold it against a baseline, and write its report.

    Raises FmloadError where it could not begin.
    """
    return on_loop(_run(scenario, watch, exports, baseline))


def report(
    directory: Path,
    say: Say,
    *,
    thresholds: Sequence[Threshold] | None = None,
    is_strict: bool = False,
    exports: Sequence[str] = (),
) -> Report:
    """Judge a run directory again, whole or cut short, and put its report there; `say` hears where that fails.

    Other `thresholds` than the run's own hold for this report, which then is only returned: what a run was found to
    be, and whether others may be compared with it, does not change by asking. The `exports` are written all the same.
    """
    return judged(directory, {}, say, thresholds=thresholds, is_strict=is_strict, exports=exports)


async def _run(scenario: Scenario, watch: Watch, exports: Sequence[str], baseline: str | None) -> Report:
    raise_descriptor_limit()
    load = plan_of(scenario)
    prices = price_table(scenario.prices)
    require_bounds(scenario, load, prices)
    require_writable(scenario.output.directory)
    # Whoever watches the run sees it until its report is there.
    with interruptible() as interrupts, watch(planned_requests(load), load.duration_s) as observer:
        directory = new_directory(scenario.output.directory, scenario.output.name, datetime.now(UTC))
        interrupts.say = observer.say
        try:
            plan = RunPlan(scenario, load, prices, directory, worker_count(scenario, load))
            async with target_of(scenario, directory, observer.say) as (target, ended):
                changes = await drive(plan, target, ended, observer, interrupts)
        except BaseException:
            if not (directory / "manifest.json").exists():
                shutil.rmtree(directory, ignore_errors=True)
            raise
        found = judged(directory, changes, observer.say, exports=exports, baseline=baseline)
    return _interrupted(found) if interrupts.has_come else found


def _interrupted(found: Report) -> Report:
    """The report of a run that a signal came in, also where its load had ended: nothing is to follow it."""
    codes = {int(code) for code in (*found.exit_codes, Exit.INTERRUPTED) if code}
    return replace(found, exit_codes=tuple(sorted(codes)))


async def drive(
    plan: RunPlan, target: Target, ended: Callable[[], str | None], observer: Observer, interrupts: Interrupts
) -> dict[str, Any]:
    """Send the load, recording as it goes; the run directory is whole when this returns.

    Returns how it ended, as changes to the manifest, for where a full disk kept them from being written. Raises
    FmloadError, and leaves no run directory, where the load could not begin.
    """
    started_at = datetime.now(UTC)
    writer = Writer(plan.directory, manifest_of(plan, started_at), started_at)
    scribe, relay, gate = Scribe(writer), Relay(observer), _gate(plan)

    is_told = False

    def record(interval: Interval, rows: bytes) -> None:
        nonlocal is_told
        scribe.take(interval, rows)
        relay.take(interval)
        stop = gate.take(interval, runner)
        words = stop.words if stop is not None else runner.books().halted
        if words is not None and not is_told:
            is_told = True
            observer.say(f"{words}; waiting for what is in flight")

    async with _runner(plan, target, record, observer.say) as runner:
        try:
            await runner.open()
        except BaseException:
            writer.close()
            shutil.rmtree(plan.directory, ignore_errors=True)
            raise
        interrupts.runner = runner
        error: BaseException | None = None
        try:
            try:
                # The collector's look at the whole heap takes tenths of a second: before the run's clock starts.
                with relay, quiet_collector():
                    await runner.run(time.perf_counter_ns())
            finally:
                await scribe.aclose()
        except Exception as raised:  # noqa: BLE001  what was recorded is kept first; a fault is raised again below
            error = raised
        changes = _ending(runner, error, gate.stopped) | {"target_ended": ended()}
    with suppress(FmloadError):
        writer.update_manifest(**changes)
    writer.close()
    if error is not None and not isinstance(error, FmloadError):
        raise error
    return changes


def _gate(plan: RunPlan) -> Gate:
    """Users ask a slow target less, so that waiting can't grow without end: only a plan is watched for it."""
    scenario, load = plan.scenario, plan.load
    is_watched = scenario.load.is_stopped_when_saturated and not isinstance(load, Users)
    return Gate(scenario.judge, load.duration_s, warm_s=scenario.load.warmup_s or 0.0, is_saturation_watched=is_watched)


def _ending(runner: AnyEngine | LocalFleet, error: BaseException | None, stop: Stop | None) -> dict[str, Any]:
    """How a run ended, for its manifest: all that holds, not only the worst."""
    codes = []
    books = runner.books()
    if isinstance(error, FmloadError):
        codes.append(error.code)
    elif error is not None:
        codes.append(Exit.FAULT)
    elif books.halted is not None:
        codes.append(Exit.BUDGET)
    elif stop is not None:
        codes.append(stop.code)
    elif runner.is_stopped:
        codes.append(Exit.INTERRUPTED)
    if runner.lost:
        codes.append(Exit.DEGRADED)
    status = (
        "aborted"
        if error is not None
        else "degraded"
        if runner.lost
        else "stopped"
        if books.halted or stop
        else "interrupted"
    )
    said = str(error) if isinstance(error, FmloadError) else f"a fault of fmload's own: {type(error).__name__}"
    return {
        "status": status if codes else "complete",
        "exit_codes": [int(code) for code in codes],
        "elapsed_s": runner.elapsed_s,
        "stopped_s": runner.stopped_s,
        "lost_workers": runner.lost,
        "error": said if error is not None else None,
        "stopped_by": books.halted or (stop.words if stop is not None else None),
        "stop": None if stop is None else dict(stop.evidence),
        "budget": None if books.ledger is None else _spent(books.ledger),
    }


def _spent(ledger: Ledger) -> dict[str, Any]:
    """A budget's end in USD, as exact decimals, and how many requests it rests on."""
    return {
        "cap_usd": str(ledger.cap_usd),
        "spent_usd": str(ledger.spent_usd),
        "assumed_usd": str(ledger.assumed_usd),
        "over_usd": str(ledger.over_usd),
        "assumed_requests": ledger.assumed,
        "underestimated_requests": ledger.underestimated,
    }


@asynccontextmanager
async def _runner(plan: RunPlan, target: Target, sink: Sink, say: Say) -> AsyncIterator[AnyEngine | LocalFleet]:
    """What sends the load: an engine in this process, or one in each of several."""
    if plan.workers > 1:
        fleet = LocalFleet(plan.scenario, target, plan.workers, sink, say)
        try:
            yield fleet
        finally:
            await fleet.aclose()
        return
    driver = traced(driver_for(target, has_crud=plan.scenario.has_crud), plan.scenario, 0, say)
    try:
        yield shard_engine(plan.scenario, plan.load, driver, shard=Shard(), price=plan.prices.usd, sink=sink)
    finally:
        await driver.aclose()


def judged(
    directory: Path,
    changes: dict[str, Any],
    say: Say,
    *,
    thresholds: Sequence[Threshold] | None = None,
    is_strict: bool = False,
    exports: Sequence[str] = (),
    baseline: str | None = None,
) -> Report:
    """The report of a run directory, whose manifest may lack `changes`; its summary is put there.

    A run that was held against a baseline before is so again. Raises FmloadError where its manifest was edited.
    """
    with quiet_collector():  # hundreds of thousands of objects, none of them garbage
        past, asked = read(directory), _asked(directory)
    manifest = past.manifest | changes
    if asked is not None:
        require_rows(directory, manifest, past.recording.intervals, asked.n_rows)
    elif requests_in(past.recording.intervals):
        say(f"{directory / 'requests.csv.gz'} has no request that can be read: quotas are left out")
    with judgeable(directory, is_own=bool(changes)):
        if thresholds is not None:
            require_in_mix(thresholds, manifest["scenario"]["mix"])
        found = summarise(
            manifest,
            past.recording,
            price_table(manifest["scenario"].get("prices") or {}),
            asked and asked.calls,
            thresholds=thresholds,
            is_strict=is_strict,
            directory=str(directory),
        )
    if (against := baseline or kept_baseline(directory, manifest)) is not None:
        found = held_against(found, directory, against)
    if baseline is not None:
        keep_manifest(directory, found.manifest, say)
    if (budget := spent_so_far(found)) is not None:
        found = replace(found, manifest={**found.manifest, "budget": budget})
    found = replace(found, kept=_kept(directory, manifest, say))
    is_asked = thresholds is not None or is_strict
    lengths = asked.lengths if asked else Lengths()
    with judgeable(directory, is_own=bool(changes)):
        export(Judged(directory, past.recording, found, lengths), exports, say, is_kept=not is_asked)
    if is_asked:
        say(f"judged by other limits than its own: summary.json and report.html in {directory} stay as they are")
    return found


def _asked(directory: Path) -> Asked | None:
    """What requests.csv tells; None where it is missing, or is none: a report without it is better than none."""
    try:
        asked = asked_of(request_text(directory))
    except (OSError, LookupError, ValueError):
        return None
    return asked if asked.n_rows else None


def _kept(directory: Path, manifest: dict[str, Any], say: Say) -> Mapping[str, int]:
    """How many exchanges of each outcome were kept; `say` hears where they can't be read."""
    try:
        return Counter(one.outcome.value for one in read_exchanges(directory, manifest))
    except FmloadError as error:
        say(str(error))
        return {}


@asynccontextmanager
async def target_of(
    scenario: Scenario, directory: Path, say: Say
) -> AsyncIterator[tuple[Target, Callable[[], str | None]]]:
    """The target to drive: the user's, or the bundled one, started here and stopped at the end.

    With it what tells whether the bundled one has ended by itself, and how.
    """
    target = scenario.target
    if target.url is not None or target.endpoint_url is not None or target.region is not None:
        yield target, lambda: None
        return
    if target.protocol == "openai":
        raise FmloadError(
            "the bundled target speaks ws, rest, sse and bedrock, not openai",
            remedy="name a target, such as openai+http://127.0.0.1:8000/v1",
            code=Exit.USAGE,
        )
    say("starting the bundled MangaAssist and its Bedrock emulator on loopback …")
    async with bundled_target(scenario.bundled, directory / "target") as urls:
        if target.protocol == "bedrock":
            # The emulator takes any signature; the user's own credentials are not needed and not used.
            for name in ("AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"):
                os.environ.pop(name, None)
            os.environ.update(AWS_ACCESS_KEY_ID="bundled", AWS_SECRET_ACCESS_KEY="bundled")  # noqa: S106  not a secret
            yield replace(target, region="ap-northeast-1", endpoint_url=urls.bedrock), lambda: urls.ended
        else:
            yield replace(target, url=urls.app), lambda: urls.ended
