"""A run's bill projected to a month: as it was, and by any price of its query types' tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import numpy as np

from loadtester.analysis.figures import Totals, spent
from loadtester.analysis.intervals import spent_by_second
from loadtester.analysis.report import Cost, Figures
from loadtester.analysis.resample import Floats, Resample, interval
from loadtester.cost import PriceTable, Projection, project
from loadtester.model import CellKey, Outcome, Series, Usage
from loadtester.recorder import Cell

_ANSWERED: Final = (Outcome.OK, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.INVALID)
#: Part of the requests that may be missing from a mean without a word.
_FEW: Final = 0.01

Cells = Mapping[CellKey, Cell]


def projected(
    total: Figures, manifest: Mapping[str, Any], whole: Totals, prices: PriceTable, sample: Resample | None = None
) -> Cost:
    """The run's cost with its projection, also to a month in which every message is answered.

    Without a good answer there is nothing to project from, and without a `sample` no interval.
    """
    unpriced = sorted(
        {
            key.answered_by
            for key, cell in whole.cells.items()
            if key.answered_by
            and (cell.input or cell.output or cell.cache_read or cell.cache_write)
            and prices.price(key.answered_by) is None
        }
    )
    cost = replace(total.cost, price_table=prices.source, unpriced_models=tuple(unpriced))
    if not cost.run or cost.per_good_answer is None:
        return cost

    def bill(cells: Cells) -> Decimal | None:
        return spent(cells, prices)

    projection = month(manifest, whole, bill)
    if not projection.monthly_usd:
        return cost
    # Given up answers are the long ones: without them the mean of the answered ones would be too small.
    is_telling = _given_up(total) <= _FEW
    answered = month(manifest, whole, bill, lambda key: key.outcome in _ANSWERED)
    daily_usd = float(projection.daily_usd or 0)
    low, high = daily_usd, daily_usd
    has_interval = sample is not None and sample.is_enough
    if sample is not None and has_interval:
        low, high = interval(daily_usd + _scatter(sample, manifest, prices) * _daily_messages(manifest))
    days = float(projection.monthly_usd) / daily_usd
    found = {"daily": (max(0.0, low), high), "monthly": (max(0.0, low) * days, high * days)}
    return replace(
        cost,
        ci95={**cost.ci95, **found} if has_interval else cost.ci95,
        daily=projection.daily_usd,
        monthly=projection.monthly_usd,
        monthly_if_all_answered=answered.monthly_usd if is_telling else None,
        daily_messages=_daily_messages(manifest),
        assumption=projection.assumption,
    )


def _scatter(sample: Resample, manifest: Mapping[str, Any], prices: PriceTable) -> Floats:
    """Replicates of how far the mix's mean USD per message is off: Σ share × (u_t - mean · messages_t) / messages."""
    mix = {entry["name"]: float(entry["share"]) for entry in manifest["scenario"]["mix"]}
    influence, weight = np.zeros(sample.seconds), 0.0
    for query, share in mix.items():
        if share <= 0.0:
            continue

        def of_query(key: CellKey | Series, query: str = query) -> bool:
            return key.query == query

        def stopped(key: CellKey | Series, query: str = query) -> bool:
            return isinstance(key, CellKey) and key.query == query and key.outcome is Outcome.CANCELLED

        unsent = sample.counter(stopped, "count") - sample.counter(stopped, "sent")
        messages = sample.counter(of_query, "count") - unsent
        if messages.sum():
            usd = spent_by_second(sample, of_query, prices)
            influence += share * (usd - usd.sum() / messages.sum() * messages) / messages.sum()
            weight += share
    return sample.scatter(influence / weight)


def month(
    manifest: Mapping[str, Any],
    whole: Totals,
    bill: Callable[[Cells], Decimal | None],
    keeps: Callable[[CellKey], bool] = lambda _: True,
) -> Projection:
    """The projection of what `bill` asks for the messages that `keeps` keeps; query types without any are left out.

    Messages that a stopped run never sent are no messages.
    """
    mix = {entry["name"]: float(entry["share"]) for entry in manifest["scenario"]["mix"]}
    by_query: dict[str, tuple[Decimal, int]] = {}
    for query in mix:
        cells = {key: cell for key, cell in whole.cells.items() if key.query == query and keeps(key)}
        usd = bill(cells)
        messages = sum(cell.sent if key.outcome is Outcome.CANCELLED else cell.count for key, cell in cells.items())
        if usd is not None and messages:
            by_query[query] = (usd, messages)
    return project(by_query, mix, _daily_messages(manifest))


def output_usd(cells: Cells, prices: PriceTable) -> Decimal:
    """What the answers' own tokens cost, without their prompts."""
    priced = (prices.usd(key.answered_by, Usage(0, cell.output)) for key, cell in cells.items() if key.answered_by)
    return sum((usd for usd in priced if usd is not None), Decimal(0))


def _daily_messages(manifest: Mapping[str, Any]) -> int:
    return int(manifest["scenario"]["judge"]["daily_messages"])


def _given_up(total: Figures) -> float:
    funnel = total.funnel
    return (funnel.timeout + funnel.broken + funnel.cancelled_in_flight) / funnel.sent if funnel.sent else 0.0
