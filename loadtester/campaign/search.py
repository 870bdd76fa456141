"""`fmload search`: steps at constant rates, each a run of its own, at one target that is started once."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from loadtester.analysis.search.decisions import next_step
from loadtester.analysis.search.found import Found, spent
from loadtester.analysis.search.step import Bounds, Ending, Probe, Step
from loadtester.analysis.search.step_quota import allowed_per_s
from loadtester.analysis.search.step_requests import gone_from_s, requests_of
from loadtester.analysis.search.window import window_of
from loadtester.campaign.bounds import require_bounds
from loadtester.campaign.campaign import Watch, drive, judged, target_of
from loadtester.campaign.descriptors import raise_descriptor_limit
from loadtester.campaign.interrupts import Interrupts, Say, interruptible
from loadtester.campaign.manifest import RunPlan, planned_requests
from loadtester.campaign.search_step import bill_usd, ending_of, step_scenario, verdict_of
from loadtester.cost import PriceTable, price_table
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Plan, plan_of, worker_count
from loadtester.loop import on_loop
from loadtester.reporters.search_lines import search_text, step_line
from loadtester.rundir import new_directory, put, request_lines, require_writable
from loadtester.scenario import Scenario, Target
from loadtester.scenario.redact import redacted


def search(scenario: Scenario, bounds: Bounds, watch: Watch, say: Say) -> Found:
    """Find the highest rate that meets the goal; `say` hears of each step. Raises FmloadError where it can't begin."""
    return on_loop(_search(scenario, bounds, watch, say))


@dataclass(slots=True)
class _Course:
    """A search as it goes; owned by its one task."""

    scenario: Scenario
    bounds: Bounds
    prices: PriceTable
    directory: Path
    watch: Watch
    say: Say
    interrupts: Interrupts
    target: Target
    ended: Callable[[], str | None]
    started_at: datetime
    steps: list[Step] = field(default_factory=list)
    zero_s: float = field(default_factory=time.monotonic)
    #: When the last step's last request was due.
    quiet_s: float | None = None
    said: str = ""

    def found(self, ending: Ending | None) -> Found:
        """What is known by now."""
        scenario = self.scenario
        return Found(
            id=self.directory.name,
            target=redacted(scenario)["target"]["url"] or "the bundled MangaAssist",
            protocol=scenario.target.protocol,
            seed=scenario.load.seed,
            slo_s=scenario.judge.slo_s,
            max_cost_usd=scenario.safety.max_cost_usd,
            bounds=self.bounds,
            steps=tuple(self.steps),
            ending=ending,
            said=self.said,
            started_at=self.started_at.isoformat(timespec="milliseconds"),
            elapsed_s=time.monotonic() - self.zero_s,
        )

    def left_usd(self) -> Decimal | None:
        """What may still be spent; None without a limit."""
        cap_usd = self.scenario.safety.max_cost_usd
        return None if cap_usd is None else max(Decimal(0), cap_usd - (spent(self.steps) or Decimal(0)))


async def _search(scenario: Scenario, bounds: Bounds, watch: Watch, say: Say) -> Found:
    raise_descriptor_limit()
    prices = price_table(scenario.prices)
    first = next_step(bounds, [])
    if isinstance(first, Probe):
        opening = step_scenario(scenario, first, 1, scenario.safety.max_cost_usd, bounds.arrivals)
        require_bounds(opening, plan_of(opening), prices)
    require_writable(scenario.output.directory)
    started_at = datetime.now(UTC)
    directory = new_directory(scenario.output.directory, scenario.output.name, started_at)
    with interruptible() as interrupts:
        interrupts.say = say
        try:
            async with target_of(scenario, directory, say) as (target, ended):
                course = _Course(scenario, bounds, prices, directory, watch, say, interrupts, target, ended, started_at)
                return await _whole(course)
        except BaseException:
            if not (directory / "search.json").exists():
                shutil.rmtree(directory, ignore_errors=True)
            raise


async def _whole(course: _Course) -> Found:
    """Take steps until the search has ended; what is known is on the disk after each."""
    try:
        ending = await _steps(course)
    except asyncio.CancelledError:
        # A signal that came between two steps: where none was taken, there is nothing to report.
        task = asyncio.current_task()
        if not course.steps or task is None:
            raise
        task.uncancel()
        ending = "interrupted"
    found = course.found(ending)
    put(course.directory, "search.json", search_text(found))
    return found


async def _steps(course: _Course) -> Ending:
    while isinstance(probe := next_step(course.bounds, course.steps, course.left_usd()), Probe):
        try:
            planned = _planned(course, probe)
        except FmloadError as error:
            if not course.steps:
                raise
            course.said = error.message
            return "budget"
        try:
            step, ending = await _step(course, probe, *planned)
        except FmloadError as error:
            if not course.steps or error.code is not Exit.UNREACHABLE:
                raise
            course.said = str(error)
            return "target"
        course.steps.append(step)
        put(course.directory, "search.json", search_text(course.found(None)))
        course.say(step_line(course.bounds, step, len(course.steps)))
        if ending is not None:
            return ending
        await _rest(course, step)
    if probe == "generator":
        course.said = course.steps[-1].remark
    return probe


def _planned(course: _Course, probe: Probe) -> tuple[Scenario, Plan]:
    """What the next step sends. Raises FmloadError where that is over a limit of the scenario's."""
    scenario = step_scenario(course.scenario, probe, len(course.steps) + 1, course.left_usd(), course.bounds.arrivals)
    load = plan_of(scenario)
    require_bounds(scenario, load, course.prices)
    return scenario, load


async def _step(course: _Course, probe: Probe, scenario: Scenario, load: Plan) -> tuple[Step, Ending | None]:
    """Take one step; and how the search has ended, where something other than the step's figures ended it."""
    number = len(course.steps) + 1
    directory = course.directory / f"{number:02}-{probe.rate_per_s:.4g}-per-s"
    plan = RunPlan(scenario, load, course.prices, directory, worker_count(scenario, load))
    began_s = time.monotonic()
    gap_s = 0.0 if course.quiet_s is None else max(0.0, began_s - course.quiet_s)
    with course.watch(planned_requests(load), load.duration_s) as observer:
        course.interrupts.say = observer.say
        try:
            changes = await drive(plan, course.target, course.ended, observer, course.interrupts)
        finally:
            # Until the next step sends, a signal ends the search.
            course.interrupts.runner = None
            course.interrupts.say = course.say
    course.quiet_s = began_s + probe.duration_s
    report = judged(directory, changes, course.say)
    requests = requests_of(request_lines(directory), course.bounds.goal.tags)
    window = window_of(
        requests,
        course.bounds.goal,
        scenario.judge.slo_s,
        start_s=probe.start_s,
        end_s=probe.duration_s,
        is_bucket=course.bounds.counting == "bucket",
    )
    ending = ending_of(changes)
    if ending == "target":
        course.said = str(changes["target_ended"])
    elif ending is None and (gone_s := gone_from_s(requests)) is not None:
        ending = "target"
        course.said = f"no connection held from {gone_s:.1f} s into the step at {probe.rate_per_s:,.4g}/s to its end"
    verdict, is_by_value, remark = verdict_of(course.bounds, probe, window, report)
    if ending is not None:
        verdict, is_by_value, remark = "cut", False, course.said or remark
    bill = bill_usd(changes, report)
    allowed = allowed_per_s(report.quota, len(requests.due_s))
    return Step(probe, window, verdict, is_by_value, gap_s, bill, directory.name, remark, allowed), ending


async def _rest(course: _Course, step: Step) -> None:
    """A target may still work on what was given up: let it end as much, for a step's time at most."""
    if step.window.given_up:
        await asyncio.sleep(min(course.bounds.step_s, course.scenario.load.timeout_s))
