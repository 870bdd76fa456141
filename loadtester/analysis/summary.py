"""Judge a run: from what was recorded to a Report. Pure; any run can be judged again with other prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from loadtester.analysis.advice import advise
from loadtester.analysis.figures import Part, Totals, figures, spent, totals
from loadtester.analysis.report import Cost, Failure, Figures, Report
from loadtester.analysis.validity import judge
from loadtester.cost import PriceTable, project
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Recording

#: Reasons for failures that a report names.
_MOST_FAILURES = 10

DIMENSIONS = ("query", "model", "kind")


def summarise(manifest: Mapping[str, Any], run: Recording, prices: PriceTable) -> Report:
    """The whole report of a run, from its manifest and recording."""
    whole = totals(run)
    elapsed_s = float(manifest.get("elapsed_s") or len(run.intervals))
    duration_s = min(float(manifest["plan"]["duration_s"]), elapsed_s) or elapsed_s
    # A lost worker never said what became due to it: all that was planned counts, and its share is unfinished.
    whole_plan = bool(manifest.get("lost_workers"))
    planned = manifest["plan"]["requests"] if whole_plan else sum(interval.planned for interval in run.intervals)

    def of(part: Part, due: int | None = None) -> Figures:
        return figures(whole, part, prices, planned=due, duration_s=duration_s, elapsed_s=elapsed_s)

    total = of(lambda _: True, planned)
    total = replace(total, cost=_projected(total.cost, manifest, whole, prices))
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
    report = Report(manifest=manifest, elapsed_s=elapsed_s, validity=validity, total=total, by=by, failures=failures)
    return replace(report, advice=advise(report), exit_codes=_exit_codes(manifest, validity.verdict))


def _projected(cost: Cost, manifest: Mapping[str, Any], whole: Totals, prices: PriceTable) -> Cost:
    """The run's cost with its projection, also to a month in which every message is answered."""
    judged = manifest["scenario"]["judge"]
    daily_messages = int(judged["daily_messages"])
    mix = {entry["name"]: float(entry["share"]) for entry in manifest["scenario"]["mix"]}
    unpriced = sorted(
        {key.answered_by for key in whole.cells if key.answered_by and prices.price(key.answered_by) is None}
    )
    priced = replace(cost, price_table=prices.source, unpriced_models=tuple(unpriced))
    planned = _by_query(whole, mix, prices, lambda key: key.outcome is not Outcome.CANCELLED)
    if cost.run is None or not any(usd for usd, _ in planned.values()):
        return priced
    projection = project(planned, mix, daily_messages)
    answered = project(_by_query(whole, mix, prices, lambda key: bool(key.answered_by)), mix, daily_messages)
    return replace(
        priced,
        daily=projection.daily_usd,
        monthly=projection.monthly_usd,
        monthly_if_all_answered=answered.monthly_usd,
        daily_messages=daily_messages,
        assumption=projection.assumption,
    )


def _by_query(
    whole: Totals, mix: Mapping[str, float], prices: PriceTable, counts: Callable[[CellKey], bool]
) -> dict[str, tuple[Decimal, int]]:
    """By query type of the mix, USD spent and how many messages `counts` keeps; types without any are left out."""
    by_query: dict[str, tuple[Decimal, int]] = {}
    for query in mix:
        cells = {key: cell for key, cell in whole.cells.items() if key.query == query}
        usd = spent(cells, prices)
        messages = sum(cell.count for key, cell in cells.items() if counts(key))
        if usd is not None and messages:
            by_query[query] = (usd, messages)
    return by_query


def _exit_codes(manifest: Mapping[str, Any], verdict: str) -> tuple[int, ...]:
    codes = {int(code) for code in manifest.get("exit_codes", ())}
    if manifest.get("status") in {"interrupted", "running"}:  # killed: its manifest still says that it runs
        codes.add(Exit.INTERRUPTED)
    if manifest.get("status") == "degraded":
        codes.add(Exit.DEGRADED)
    if verdict == "invalid":
        codes.add(Exit.INVALID_RUN)
    return tuple(sorted(codes)) or (int(Exit.OK),)
