"""One step of a search: its scenario, and what its run says when it has ended."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from loadtester.analysis import Report
from loadtester.analysis.search.decisions import decide
from loadtester.analysis.search.step import Bounds, Ending, Probe, Verdict
from loadtester.analysis.search.window import Window
from loadtester.errors import Exit
from loadtester.scenario import Scenario, Stage
from loadtester.scenario.scenario import Arrivals

#: Reasons of a run's validity that are the generator's doing, and those that only cast doubt on a latency.
_GENERATOR: Final = ("lag", "own_limits", "undelivered", "lost_workers")
_DOUBT: Final = ("cpu",)
_SEEDS: Final = 2**63
#: The knees of a run that its failing by a cause goes with: another one is not what failed it.
_KNEES: Final = {"quota": ("quota", "both"), "latency": ("service", "both"), "backlog": ("service", "both")}


def step_scenario(
    scenario: Scenario, probe: Probe, number: int, left_usd: Decimal | None, arrivals: Arrivals = "poisson"
) -> Scenario:
    """The scenario of one step, the `number`-th: `arrivals` at its rate, behind its surge, of a seed of its own.

    What the search is judged by is its goal: thresholds don't hold for steps, an overloaded one is not stopped, and
    throttles are recorded, not retried.
    """
    surge = (
        Stage(0.0, probe.surge_per_s),
        Stage(probe.surge_s, probe.surge_per_s),
        Stage(0.0, 0.0),
        Stage(probe.pause_s, 0.0),
        Stage(0.0, probe.rate_per_s),
        Stage(probe.settle_s + probe.window_s, probe.rate_per_s),
    )
    load = replace(
        scenario.load,
        pattern="stages" if probe.surge_s else "sustained",
        stages=surge if probe.surge_s else (),
        rate_per_s=0.0 if probe.surge_s else probe.rate_per_s,
        duration_s=probe.duration_s,
        requests=None,
        arrivals=arrivals,
        seed=(scenario.load.seed + number - 1) % _SEEDS,
        on_throttle="record",
        is_stopped_when_saturated=False,
    )
    return replace(
        scenario,
        load=load,
        judge=replace(scenario.judge, thresholds=(), is_aborting=False),
        safety=replace(scenario.safety, max_cost_usd=left_usd),
        output=replace(scenario.output, name=f"{scenario.output.name}-step-{number}"),
    )


def ending_of(changes: dict[str, Any]) -> Ending | None:
    """What ended a step before its time, and with it the search."""
    codes = changes["exit_codes"]
    if changes.get("target_ended"):
        return "target"
    if int(Exit.BUDGET) in codes:
        return "budget"
    return "interrupted" if int(Exit.INTERRUPTED) in codes else None


def verdict_of(bounds: Bounds, probe: Probe, window: Window, report: Report) -> tuple[Verdict, bool, str]:
    """The verdict on a step, whether it is by value alone, and what its report says of it."""
    verdict, is_by_value = decide(bounds, probe, window)
    reasons = report.validity.reasons
    spoilt = [one.message for one in reasons if one.code in _GENERATOR and one.verdict == "invalid"]
    if verdict != "pass":
        spoilt += [one.message for one in reasons if one.code in _DOUBT]
    if verdict == "fail" and window.cause == "quota":
        # However late requests were: the target said itself why it refused them, and late ones ask less of it.
        spoilt = []
    if spoilt:
        return "invalid", False, spoilt[0]
    knees = report.quota.knees if report.quota is not None else None
    tells = knees is not None and not probe.surge_s and knees.met in _KNEES.get(window.cause or "", ())
    return verdict, is_by_value, knees.words if knees is not None and tells else ""


def bill_usd(changes: dict[str, Any], report: Report) -> Decimal | None:
    """What a step cost; with a budget, what its books say, with what was assumed."""
    books = changes.get("budget")
    if books is not None:
        return Decimal(books["spent_usd"]) + Decimal(books["assumed_usd"])
    return report.total.cost.run
