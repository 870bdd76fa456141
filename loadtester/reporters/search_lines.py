"""A search as text: a line for each step, the answer for people, and search.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from loadtester.analysis.search.found import EXITS, Found
from loadtester.analysis.search.goal import Goal
from loadtester.analysis.search.scaling import Law, Scaling
from loadtester.analysis.search.step import Bounds, Bracket, Step
from loadtester.analysis.search.step_quota import is_met, is_refuted, is_topped, looks_good

SCHEMA: Final = 1

_WORDS: Final = {"pass": "pass", "fail": "FAIL", "undecided": "undecided", "invalid": "invalid", "cut": "cut short"}
_CAUSES: Final = {
    "quota": "the quota refused requests",
    "latency": "answers were too slow",
    "errors": "requests failed",
    "backlog": "the backlog grew without end",
    "dropped": "--max-in-flight requests were waiting, and more were dropped",
}
#: At which knee the failing step was.
_KNEES: Final = {"quota": "quota", "latency": "latency", "backlog": "latency", "dropped": "latency", "errors": None}


def step_line(bounds: Bounds, step: Step, number: int) -> str:
    """What one step showed, in a line."""
    window, probe = step.window, step.probe
    figure = "no request in its window"
    if window.value is not None and window.ci95 is not None:
        low, high = (_figure(bounds.goal, value) for value in window.ci95)
        name = bounds.goal.metric
        figure = f"{name} {_figure(bounds.goal, window.value)} ({low} to {high}) of {window.count:,}"
    parts = [
        f"step {number:>2}  {_rate(step.rate_per_s):>9}  {probe.window_s:.0f} s  {_WORDS[step.verdict]:<9}  {figure}"
    ]
    if step.is_by_value:
        parts.append("by its value: the interval holds the limit")
    if step.verdict == "invalid":
        parts.append(step.remark)
    elif window.cause is not None and step.verdict != "pass":
        parts.append(_why(step))
    if probe.surge_s:
        state = (
            "after a surge that emptied the quota's bucket" if window.was_empty else "its surge found no quota's end"
        )
        parts.append(state)
    return "; ".join(parts)


def answer_text(found: Found) -> str:
    """The answer, for people, several lines."""
    return "\n".join([*_answer(found), *_cost(found), *_scaling(found.scaling)]) + "\n"


def search_text(found: Found) -> str:
    """The text of search.json: names as docs/search.md has them, SI units, money as exact decimals."""
    return json.dumps(_json(found), indent=2, ensure_ascii=False, default=_plain) + "\n"


def exit_code(found: Found) -> int:
    """Of the process; that of a whole search where it has not ended."""
    return 0 if found.ending is None else int(EXITS[found.ending])


def _answer(found: Found) -> Iterator[str]:
    goal, bracket = found.bounds.goal.expression, found.bracket
    yield {
        "found": "found",
        "at_least": "the upper bound was reached",
        "not_even": "not even the lower bound passes",
        "quota": "up to the stated quota, whose limit is computed and was not seen",
        "steps": f"stopped after {len(found.steps)} steps (--max-steps); what is known:",
        "budget": "stopped by a limit (--max-cost, --max-rate or max_requests); what is known:",
        "generator": "stopped: the load generator is at its limit, not the target; what is known:",
        "interrupted": "interrupted; what is known:",
        "target": "stopped: the target is gone; what is known:",
        None: "going on",
    }[found.ending] + (f"\n  {found.said}" if found.said else "")
    passed, failed = bracket.passed, bracket.failed
    if passed is not None:
        at = "at" if failed is not None or found.ending == "quota" else "at least at"
        yield f"{goal} holds {at} {_rate(passed.rate_per_s)}{_shown(found.bounds, passed)}"
        if _may_hide_a_bucket(found, passed):
            held_s = passed.probe.settle_s + passed.probe.window_s
            yield (
                f"  for {held_s:.0f} s: a quota by the minute that began full can hide "
                "behind that (state it in the scenario's quota section, or take a longer --step-time)"
            )
    elif failed is not None:
        yield f"{goal} holds at less than {_rate(failed.rate_per_s)}: no step below it passed"
    elif found.ending == "not_even":
        yield f"{goal} can't hold at {_rate(found.bounds.from_per_s)} for longer than a full bucket lasts"
    else:
        yield f"{goal}: no step was decided"
    if failed is not None:
        yield f"it fails at {_rate(failed.rate_per_s)}{_shown(found.bounds, failed)}: {_why(failed)}"
        yield from _knee(found, failed)
    yield from _stated(found)


def _may_hide_a_bucket(found: Found, passed: Step) -> bool:
    """Whether nothing is known of a quota: none is stated, and none was met."""
    return not found.bounds.is_quota_known and not is_met(found.steps) and not passed.window.was_empty


def _stated(found: Found) -> Iterator[str]:
    """What the stated quota makes of it."""
    allowed = found.allowed_per_s
    if allowed is None:
        return
    yield f"the stated quota allows {_rate(allowed)} in the long run: computed from the tokens that requests used"
    top = max((step.rate_per_s for step in found.steps if looks_good(found.bounds, step)), default=0.0)
    if is_refuted(found.steps):
        yield "  surges that should have emptied its bucket were never refused: the target doesn't keep to it"
    elif is_topped(found.bounds, found.steps):
        yield f"  {_rate(top)} passed out of its full bucket alone, and can't be held"


def _shown(bounds: Bounds, step: Step) -> str:
    window = step.window
    if window.value is None or window.ci95 is None:
        return ""
    low, high = (_figure(bounds.goal, value) for value in window.ci95)
    by_value = ", by its value" if step.is_by_value else ""
    return f" ({bounds.goal.metric} {_figure(bounds.goal, window.value)}, 95 % interval {low} to {high}{by_value})"


def _knee(found: Found, failed: Step) -> Iterator[str]:
    knee = _KNEES[failed.window.cause] if failed.window.cause is not None else None
    let_in = let_in_per_s(found)
    if knee == "quota" and let_in is not None:
        yield f"knee: quota; once its bucket was empty it let in {_rate(let_in)}"
    elif knee is not None:
        yield f"knee: {knee}"
    alike = [one for one in found.steps if one.verdict == "fail" and one.window.cause == failed.window.cause]
    told = next((one for one in alike if one.remark), None)
    if told is not None:
        yield f"  at {_rate(told.rate_per_s)}: {told.remark}"


def let_in_per_s(found: Found) -> float | None:
    """What a quota let in a second, by the step that saw the most of it; None where none was met."""
    seen = [(step.window.count, step.window.let_in_per_s) for step in found.steps if step.window.let_in_per_s]
    return max(seen)[1] if seen else None


def _cost(found: Found) -> Iterator[str]:
    spent, cap = found.spent_usd, found.max_cost_usd
    bill = "an unknown sum" if spent is None else f"${spent:,.4f}"
    limit = f" of ${cap:,.2f}" if cap is not None else ""
    steps = "1 step" if len(found.steps) == 1 else f"{len(found.steps)} steps"
    yield f"{steps}, {found.elapsed_s:,.0f} s, {bill}{limit} spent"


def _scaling(scaling: Scaling) -> Iterator[str]:
    if scaling.efficiency is not None:
        yield (
            f"scaling: {scaling.verdict}; at the highest passing rate a request in flight brings "
            f"{scaling.efficiency:.0%} of what it brings at the lightest step"
        )
    if scaling.law is None:
        yield f"scalability law: not fitted; {scaling.refused}"
    else:
        yield f"scalability law: {_law(scaling.law)}; {_peak(scaling)}"


def _law(law: Law) -> str:
    return f"contention {law.contention:.2%}, coherency {law.coherency:.4%}, off by {law.off:.1%}"


def _peak(scaling: Scaling) -> str:
    peak = scaling.law.peak if scaling.law is not None else None
    if peak is None:
        return scaling.no_peak or "no peak in sight"
    (low, high), (least, most) = peak.in_flight_ci95, peak.per_s_ci95
    return (
        f"peak {_rate(peak.per_s)} ({least:,.4g} to {most:,.4g}) at {peak.in_flight:,.0f} in flight "
        f"({low:,.0f} to {high:,.0f})"
    )


def _why(step: Step) -> str:
    cause = step.window.cause
    if cause is None:
        return "no request in its window" if step.window.value is None else "its figure is over the limit"
    grown = f" ({step.window.grown:,} more in flight at its end)" if step.window.grown else ""
    return _CAUSES[cause] + grown


def _figure(goal: Goal, value: float) -> str:
    return f"{value:.3g} s" if goal.is_percentile else f"{value:.2%}"


def _rate(per_s: float) -> str:
    return f"{per_s:,.4g}/s"


def _json(found: Found) -> dict[str, Any]:
    bounds, bracket = found.bounds, found.bracket
    return {
        "schema": SCHEMA,
        "id": found.id,
        "status": "running" if found.ending is None else "complete",
        "target": found.target,
        "protocol": found.protocol,
        "seed": found.seed,
        "started_at": found.started_at,
        "elapsed_s": found.elapsed_s,
        "exit_code": exit_code(found),
        "goal": bounds.goal.expression,
        "slo_s": found.slo_s,
        "bounds": {
            "from_per_s": bounds.from_per_s,
            "to_per_s": bounds.to_per_s,
            "precision": bounds.precision,
            "step_time_s": bounds.step_s,
            "max_steps": bounds.max_steps,
            "max_cost_usd": found.max_cost_usd,
        },
        "answer": _answer_json(found, bracket),
        "spent_usd": found.spent_usd,
        "scaling": asdict(found.scaling),
        "steps": [_step(step) for step in found.steps],
    }


def _answer_json(found: Found, bracket: Bracket) -> dict[str, Any]:
    passed, failed = bracket.passed, bracket.failed
    cause = None if failed is None else failed.window.cause
    return {
        "ending": found.ending,
        "said": found.said or None,
        "highest_passing_per_s": None if passed is None else passed.rate_per_s,
        "lowest_failing_per_s": None if failed is None else failed.rate_per_s,
        "value": None if passed is None else passed.window.value,
        "ci95": None if passed is None else passed.window.ci95,
        "is_by_value": None if passed is None else passed.is_by_value,
        "cause": cause,
        "knee": None if cause is None else _KNEES[cause],
        "quota_lets_in_per_s": let_in_per_s(found),
        "quota_allows_per_s": found.allowed_per_s,
    }


def _step(step: Step) -> dict[str, Any]:
    window = asdict(step.window)
    return {
        "run": step.run,
        "rate_per_s": step.rate_per_s,
        "verdict": step.verdict,
        "is_by_value": step.is_by_value,
        "window_s": step.probe.window_s,
        "settle_s": step.probe.settle_s,
        "surge_per_s": step.probe.surge_per_s if step.probe.surge_s else None,
        "surge_s": step.probe.surge_s or None,
        "pause_s": step.probe.pause_s,
        "gap_s": step.gap_s,
        "cost_usd": step.usd,
        "remark": step.remark or None,
        "quota_allows_per_s": step.allowed_per_s,
        **window,
    }


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that search.json holds")
