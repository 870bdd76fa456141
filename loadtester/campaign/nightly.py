"""A night: the scenarios of a suite one after another, whatever becomes of each, within one budget."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, Final

from loadtester.analysis import Report
from loadtester.analysis.comparison.night import Night, Result, night_usd, spent_usd
from loadtester.campaign.bounds import require_bounds
from loadtester.campaign.campaign import Watch, run
from loadtester.campaign.interrupts import Say
from loadtester.cost import price_table
from loadtester.errors import PRECEDENCE, Exit, FmloadError
from loadtester.fleet import plan_of
from loadtester.plan import predict
from loadtester.reporters.junit import night_xml
from loadtester.reporters.markdown import night_markdown
from loadtester.rundir import new_directory, put, require_writable
from loadtester.rundir.history import NIGHT
from loadtester.scenario import Scenario
from loadtester.scenario.suite import Entry, Suite

#: Of night.json.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole night: its budget, None is none, and what its runs are compared with, None is nothing."""

    max_cost_usd: Decimal | None = None
    baseline: str | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a scenario would take and cost, from the plan alone; `problem` where that can't be told."""

    name: str
    duration_s: float
    requests: float | None = None
    usd: Decimal | None = None
    usd_high: Decimal | None = None
    problem: str = ""


def forecasts(suite: Suite) -> Iterator[Forecast]:
    """One for each scenario, as they are made; nothing is sent."""
    for entry in suite.entries:
        load = plan_of(entry.scenario)
        try:
            total = predict(entry.scenario, load, price_table(entry.scenario.prices)).total
        except FmloadError as error:
            yield Forecast(entry.name, load.duration_s, problem=error.message)
        else:
            yield Forecast(entry.name, load.duration_s, total.requests, total.usd.mean, total.usd.high)


def require_suite(suite: Suite, terms: Terms) -> None:
    """Raise one FmloadError for all that would keep a scenario from starting, before any of them does."""
    errors = []
    for entry in suite.entries:
        scenario = _within(entry.scenario, terms.max_cost_usd)
        try:
            require_bounds(scenario, plan_of(scenario), price_table(scenario.prices))
            require_writable(scenario.output.directory)
        except FmloadError as error:
            errors.append((entry.name, error))
    if errors:
        raise FmloadError(
            "\n".join(f"{name}: {error.message}" for name, error in errors),
            remedy="\n  ".join(dict.fromkeys(error.remedy for _, error in errors if error.remedy)),
            code=min((error.code for _, error in errors), key=PRECEDENCE.index),
        )


def run_night(suite: Suite, terms: Terms, watch: Callable[[Scenario], Watch], say: Say) -> tuple[Night, Path]:
    """Run all scenarios; the night, and its directory, where what is known is kept after each of them.

    Ctrl-C or SIGTERM ends the scenario that runs, as ever, and with it the night.
    """
    started_at, began_s = datetime.now(UTC), time.monotonic()
    root = suite.entries[0].scenario.output.directory
    directory = new_directory(root, f"nightly-{suite.name}", started_at)
    results: list[Result] = []
    left, stopped = terms.max_cost_usd, None
    for number, entry in enumerate(suite.entries, start=1):
        if stopped is None and left is not None and left <= 0:
            stopped = Result("", None, (Exit.BUDGET,), problem="not run: the night's budget was spent")
        if stopped is not None:
            results.append(replace(stopped, name=entry.name, is_gate=entry.is_gate))
            continue
        say(f"{suite.name} {number}/{len(suite.entries)}: {entry.name}")
        result = _result(entry, left, terms, watch)
        results.append(result)
        left, stopped = _after(result, left)
        _keep(Night(suite.name, started_at, time.monotonic() - began_s, tuple(results)), directory, say)
    night = Night(suite.name, started_at, time.monotonic() - began_s, tuple(results))
    _keep(night, directory, say)
    return night, directory


def _result(entry: Entry, left: Decimal | None, terms: Terms, watch: Callable[[Scenario], Watch]) -> Result:
    """Run one scenario within what is left; every way that it can end is a result."""
    scenario = _within(entry.scenario, left)
    try:
        with _terminable():
            report = run(scenario, watch(scenario), baseline=terms.baseline)
    except FmloadError as error:
        said = f"{error.message}; {error.remedy}" if error.remedy else error.message
        return Result(entry.name, None, (error.code,), entry.is_gate, " ".join(said.split()))
    except KeyboardInterrupt:
        return Result(entry.name, None, (Exit.INTERRUPTED,), entry.is_gate, "interrupted")
    except Exception as fault:  # noqa: BLE001  the scenarios after it are still to be run; the night fails by it
        what = f"a fault of fmload's own: {type(fault).__name__}: {fault}"
        return Result(entry.name, None, (Exit.FAULT,), entry.is_gate, what)
    return _judged(entry, report, Path(scenario.output.directory) / str(report.manifest["id"]))


def _judged(entry: Entry, report: Report, directory: Path) -> Result:
    codes, held = set(report.exit_codes), report.against
    if not entry.is_gate:
        codes.discard(Exit.THRESHOLD)
    return Result(
        name=entry.name,
        report=report,
        codes=tuple(sorted(int(code) for code in codes if code)),
        is_gate=entry.is_gate,
        directory=str(directory),
        baseline=None if held is None else held.baseline,
        comparison=None if held is None else held.comparison,
        uncompared="" if held is None else held.why_not,
    )


def _after(result: Result, left: Decimal | None) -> tuple[Decimal | None, Result | None]:
    """What is left for the next scenario, and what becomes of all the others where there is to be none."""
    if Exit.INTERRUPTED in result.codes:
        return left, Result("", None, (), problem="not run: the night was interrupted")
    if left is None:
        return None, None
    if result.report is None:
        # Before its load a run costs nothing; of what a fault broke off, nobody knows what it cost.
        return (Decimal(0) if Exit.FAULT in result.codes else left), None
    spent = spent_usd(result.report)
    budget = result.report.manifest.get("budget") or {}
    is_out = Exit.BUDGET in result.codes and "--max-cost" in str(result.report.manifest.get("stopped_by"))
    if spent is None or (is_out and Decimal(budget.get("cap_usd", 0)) >= left):
        return Decimal(0), None
    return left - spent, None


def _within(scenario: Scenario, left: Decimal | None) -> Scenario:
    """The scenario with the lower of its own budget and what is left of the night's."""
    if left is None:
        return scenario
    own = scenario.safety.max_cost_usd
    return replace(scenario, safety=replace(scenario.safety, max_cost_usd=left if own is None else min(own, left)))


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM is as Ctrl-C also before and after a run, which handles both itself and then forgets them."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _keep(night: Night, directory: Path, say: Say) -> None:
    """Put what is known of a night in its directory."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        put(directory, NIGHT, json.dumps(night_json(night), indent=2, ensure_ascii=False) + "\n")
        put(directory, "summary.md", night_markdown(night))
        put(directory, "junit.xml", night_xml(night).decode())
    except FmloadError as error:
        say(str(error))
    except OSError as error:
        say(f"cannot write {directory}: {error.strerror or error}")


def night_json(night: Night) -> dict[str, Any]:
    """The night as JSON-ready values; each run's figures are in its own summary.json."""
    return {
        "schema": SCHEMA,
        "suite": night.suite,
        "started_at": night.started_at.isoformat(timespec="seconds"),
        "elapsed_s": round(night.elapsed_s, 3),
        "exit_code": night.exit_code,
        "cost_usd": float(night_usd(night)),
        "scenarios": [_result_json(result) for result in night.results],
    }


def _result_json(result: Result) -> dict[str, Any]:
    report, comparison = result.report, result.comparison
    return {
        "name": result.name,
        "directory": result.directory,
        "exit_codes": [int(code) for code in result.codes],
        "is_gate": result.is_gate,
        "problem": result.problem,
        "validity": None if report is None else report.validity.verdict,
        "thresholds": [] if report is None else [[one.expression, one.verdict] for one in report.thresholds],
        "baseline": result.baseline,
        "comparison": None if comparison is None else comparison.verdict,
        "uncompared": result.uncompared,
    }
