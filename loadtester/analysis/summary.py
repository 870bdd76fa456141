"""Judge a run: from what was recorded to a Report. Pure; any run can be judged again with other prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from loadtester.analysis.advice import advise
from loadtester.analysis.figures import Part, Totals, figures, spent, totals
from loadtester.analysis.quota import Quota, quota_of
from loadtester.analysis.report import Cost, Failure, Figures, Report
from loadtester.analysis.validity import judge
from loadtester.cost import PriceTable, project
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Recording

_ANSWERED = (Outcome.OK, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.INVALID)
#: Part of the requests that may be missing from a mean without a word.
_FEW = 0.01

#: Reasons for failures that a report names.
_MOST_FAILURES = 10

DIMENSIONS = ("query", "model", "kind")


def summarise(
    manifest: Mapping[str, Any], run: Recording, prices: PriceTable, lines: Iterable[str] | None = None
) -> Report:
    """The whole report of a run, from its manifest and recording; `lines` of its requests.csv tell of quotas."""
    whole = totals(run)
    elapsed_s = float(manifest.get("elapsed_s") or len(run.intervals))
    duration_s = _sending_s(manifest, run)
    planned = sum(interval.planned for interval in run.intervals)
    if manifest.get("lost_workers") and manifest["plan"]["requests"] is not None:
        # A lost worker never said what became due to it: all that was planned counts.
        planned = int(manifest["plan"]["requests"])
    sent = sum(interval.sent for interval in run.intervals)

    def of(part: Part, due: tuple[int, int] | None = None) -> Figures:
        return figures(whole, part, prices, due=due, duration_s=duration_s, elapsed_s=elapsed_s)

    total = of(lambda _: True, (planned, sent))
    total = replace(total, cost=_projected(total, manifest, whole, prices))
    by = {
        dimension: {
            value: of(lambda key, d=dimension, v=value: getattr(key, d) == v)  # type: ignore[misc]  # bound per turn
            for value in sorted({getattr(key, dimension) for key in whole.cells})
        }
        for dimension in DIMENSIONS
    }
    validity = judge(manifest, run, whole, total, elapsed_s)
    failures = tuple(
        Failure(outcome.value, detail, count) for (outcome, detail), count in run.failures().most_common(_MOST_FAILURES)
    )
    report = Report(
        manifest=manifest,
        elapsed_s=elapsed_s,
        validity=validity,
        total=total,
        by=by,
        failures=failures,
        quota=_quota(manifest, lines),
    )
    return replace(report, advice=advise(report), exit_codes=_exit_codes(manifest, validity.verdict))


def _quota(manifest: Mapping[str, Any], lines: Iterable[str] | None) -> Quota | None:
    """None where the lines are missing, or are none of a run: a report without them is better than none."""
    try:
        return None if lines is None else quota_of(manifest, lines)
    except (OSError, LookupError, ValueError):
        return None


def _sending_s(manifest: Mapping[str, Any], run: Recording) -> float:
    """How long requests were sent, as far as it is on record: the plan's length, or less where it was cut short."""
    planned_s = float(manifest["plan"]["duration_s"])
    if manifest.get("status") in {"running", "aborted"}:
        return min(planned_s, float(len(run.intervals)))
    stopped_s = manifest.get("stopped_s")
    return planned_s if stopped_s is None else min(planned_s, float(stopped_s))


def _projected(total: Figures, manifest: Mapping[str, Any], whole: Totals, prices: PriceTable) -> Cost:
    """The run's cost with its projection, also to a month in which every message is answered."""
    daily_messages = int(manifest["scenario"]["judge"]["daily_messages"])
    mix = {entry["name"]: float(entry["share"]) for entry in manifest["scenario"]["mix"]}
    unpriced = sorted(
        {key.answered_by for key in whole.cells if key.answered_by and prices.price(key.answered_by) is None}
    )
    cost = replace(total.cost, price_table=prices.source, unpriced_models=tuple(unpriced))
    planned = _by_query(whole, mix, prices, lambda _: True)
    if cost.run is None or not any(usd for usd, _ in planned.values()):
        return cost
    projection = project(planned, mix, daily_messages)
    # Given up answers are the long ones: without them the mean of the answered ones would be too small.
    is_telling = _given_up(total) <= _FEW
    answered = project(_by_query(whole, mix, prices, lambda key: key.outcome in _ANSWERED), mix, daily_messages)
    return replace(
        cost,
        daily=projection.daily_usd,
        monthly=projection.monthly_usd,
        monthly_if_all_answered=answered.monthly_usd if is_telling else None,
        daily_messages=daily_messages,
        assumption=projection.assumption,
    )


def _given_up(total: Figures) -> float:
    funnel = total.funnel
    return (funnel.timeout + funnel.broken + funnel.cancelled_in_flight) / funnel.sent if funnel.sent else 0.0


def _by_query(
    whole: Totals, mix: Mapping[str, float], prices: PriceTable, keeps: Callable[[CellKey], bool]
) -> dict[str, tuple[Decimal, int]]:
    """By query type of the mix, USD spent on the messages that `keeps` keeps, and how many; types without are left out.

    Messages that a stopped run never sent are no messages.
    """
    by_query: dict[str, tuple[Decimal, int]] = {}
    for query in mix:
        cells = {key: cell for key, cell in whole.cells.items() if key.query == query and keeps(key)}
        usd = spent(cells, prices)
        messages = sum(cell.sent if key.outcome is Outcome.CANCELLED else cell.count for key, cell in cells.items())
        if usd is not None and messages:
            by_query[query] = (usd, messages)
    return by_query


def _exit_codes(manifest: Mapping[str, Any], verdict: str) -> tuple[int, ...]:
    codes = {int(code) for code in manifest.get("exit_codes", ())}
    if manifest.get("status") == "running":  # killed: its manifest still says that it runs
        codes.add(Exit.INTERRUPTED)
    if verdict == "invalid":
        codes.add(Exit.INVALID_RUN)
    return tuple(sorted(codes)) or (int(Exit.OK),)
