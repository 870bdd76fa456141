"""The summary's lines on tokens and money, for people."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.text import Text

from loadtester.analysis import Report


def money_lines(report: Report) -> Text:
    """Tokens, what they cost, what became of a budget, and a month at this price."""
    cost, tokens = report.total.cost, report.total.tokens
    estimated = f" ({tokens.estimated_answers:,} answers estimated)" if tokens.estimated_answers else ""
    has_cache = tokens.cache_read or tokens.cache_write
    cached = f"  cache read {tokens.cache_read:,}  cache write {tokens.cache_write:,}" if has_cache else ""
    lines = [f"tokens     in {tokens.input:,}  out {tokens.output:,}{cached}{estimated}"]
    if cost.unpriced_models:
        lines.append(f"cost       unknown: no price for {', '.join(cost.unpriced_models)}; give one under `prices:`")
    else:
        lines.append(
            f"cost       this run {usd(cost.measured, 4)}  of it wasted {usd(cost.wasted, 4)}  "
            f"per good answer {usd(cost.per_good_answer, 5)}{_warm_up(report)}"
        )
    if report.manifest.get("budget"):
        lines.append(_budget(report.manifest["budget"]))
    if cost.daily is not None:
        lines.append(
            f"projected  {usd(cost.daily)} a day, {usd(cost.monthly)} a month at {cost.daily_messages:,} messages a day"
        )
        if "monthly" in cost.ci95:
            low, high = cost.ci95["monthly"]
            lines.append(f"           95 % interval of the month ${low:,.2f} to ${high:,.2f}")
        if cost.monthly_if_all_answered not in (None, cost.monthly):
            lines.append(f"           {usd(cost.monthly_if_all_answered)} a month if every message had been answered")
        lines.append(f"           {cost.assumption}")
    lines.append(f"           prices: {cost.price_table}")
    return Text("\n".join(lines))


def _warm_up(report: Report) -> str:
    """What the warm-up cost, which no other figure has in it, and all of it together."""
    cost = report.total.cost
    return f"  warm-up {usd(cost.warmup, 4)}  in all {usd(cost.run, 4)}" if report.warmup is not None else ""


def _budget(budget: Mapping[str, Any]) -> str:
    """What became of --max-cost."""
    spent, cap, assumed, over = (Decimal(budget[f"{name}_usd"]) for name in ("spent", "cap", "assumed", "over"))
    text = f"budget     {usd(spent, 4)} of {usd(cap, 4)} spent"
    if budget.get("is_open"):
        text += " in the seconds on record; what was in flight then is not in it"
    if budget["assumed_requests"]:
        text += f", {usd(assumed, 4)} set aside for {budget['assumed_requests']:,} requests whose usage never came"
    if budget["underestimated_requests"]:
        text += f"; {budget['underestimated_requests']:,} requests cost more than was set aside for them"
    return text + (f": {usd(over, 4)} over the cap" if over else "")


def usd(value: Decimal | None, digits: int = 2) -> str:
    """An amount, or that there is none."""
    return "–" if value is None else f"${value:,.{digits}f}"
