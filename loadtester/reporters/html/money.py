"""Tokens and the bill, and what-ifs that the reader can pull; the arithmetic is what_if.js's, from coefficients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from loadtester.analysis import Report
from loadtester.cost.what_if import Coefficients, WhatIf
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Markup, join, script_json, section, table, tag


def money(report: Report, levers: WhatIf | None) -> Markup:
    """Tokens, this run's bill, the projection, and the sliders where there is anything to project."""
    cost = report.total.cost
    unpriced = ", ".join(cost.unpriced_models)
    return section(
        "cost",
        "Tokens and cost",
        table("This run's tokens and bill", ("", ""), _bill(report)),
        tag("p", f"No price is known for {unpriced}: state one under prices in the scenario.", class_="empty")
        if unpriced
        else None,
        tag("p", f"{cost.assumption[:1].upper()}{cost.assumption[1:]}.", class_="quiet") if cost.assumption else None,
        tag("p", f"Prices: {cost.price_table}", class_="quiet") if cost.price_table else None,
        _what_if(report, levers) if levers is not None else None,
    )


def _bill(report: Report) -> Iterator[tuple[str, str]]:
    tokens, cost = report.total.tokens, report.total.cost
    yield "tokens in", amounts.count(tokens.input)
    yield "tokens out", amounts.count(tokens.output)
    for name, number in (("read from a prompt cache", tokens.cache_read), ("written to one", tokens.cache_write)):
        if number:
            yield name, amounts.count(number)
    if tokens.reasoning:
        yield "of the output, reasoning", amounts.count(tokens.reasoning)
    if tokens.estimated_answers:
        yield "answers with estimated tokens", amounts.count(tokens.estimated_answers)
    yield "this run", amounts.usd(cost.run, 4)
    yield "of it for good answers", amounts.usd(cost.good, 4)
    yield "wasted on others", amounts.usd(cost.wasted, 4)
    if report.warmup is not None:
        yield "the warm-up, in no other figure", amounts.usd(cost.warmup, 4)
    yield "per good answer", amounts.usd(cost.per_good_answer, 5)
    if cost.daily is not None:
        yield f"a day of {amounts.count(cost.daily_messages)} messages", amounts.usd(cost.daily)
        yield "a month of 30 such days", amounts.usd(cost.monthly)
    if cost.monthly_if_all_answered not in (None, cost.monthly):
        yield "a month if every message had been answered", amounts.usd(cost.monthly_if_all_answered)
    if "monthly" in cost.ci95:
        yield "the month lies in (95 %)", " – ".join(amounts.usd(bound) for bound in cost.ci95["monthly"])


def _what_if(report: Report, levers: WhatIf) -> Markup:
    exponent = math.log10(levers.messages_per_day)
    cacheable = float(levers.hits + levers.unanswered + sum(line.share for line in levers.lines if line.is_cacheable))
    return tag(
        "form",
        tag("h3", "What if"),
        tag("p", "Move a slider: the sums are those of the command below.", class_="quiet"),
        tag(
            "div",
            _slider(
                "messages",
                "Messages a day",
                f"{max(1, exponent - 2):.2f}",
                f"{exponent + 2:.2f}",
                "0.01",
                f"{exponent:.2f}",
            ),
            _slider("share", f"Answered by {amounts.short(levers.movable)}", "0", "100", "1", _share(levers))
            if levers.movable
            else None,
            _slider(
                "hits",
                "Answered by a cache",
                "0",
                str(math.floor(100 * cacheable)),
                "1",
                f"{round(100 * float(levers.hits))}",
            ),
            _slider("limit", "max_tokens", "0", str(len(levers.limits)), "1", str(len(levers.limits)))
            if levers.limits
            else None,
            class_="sliders",
        ),
        tag(
            "dl",
            _result("day", "A day"),
            _result("month", "A month of 30 days"),
            _result("saved", "Saved a month"),
            class_="tiles",
            aria_live="polite",
        ),
        tag("p", id="cuts", class_="quiet"),
        tag("p", tag("code", id="what-if-command"), class_="command"),
        tag("button", "As measured", type="reset"),
        tag("script", script_json(_coefficients(report, levers)), type="application/json", id="what-if-data"),
        id="what-if",
        hidden=True,
        aria_label="What if",
    )


def _slider(name: str, label: str, low: str, high: str, step: str, value: str) -> Markup:
    place = f"what-if-{name}"
    return tag(
        "div",
        tag("label", label, for_=place),
        tag("output", id=f"{place}-value", for_=place),
        tag("input", id=place, type="range", min=low, max=high, step=step, value=value),
        class_="slider",
    )


def _result(name: str, label: str) -> Markup:
    return tag("div", tag("dt", label), join(tag("dd", id=f"what-if-{name}", class_="figure")))


def _share(levers: WhatIf) -> str:
    whole = sum(line.share for line in levers.lines)
    return f"{round(float(100 * sum(line.share for line in levers.lines if line.model == levers.movable) / whole))}"


def _coefficients(report: Report, levers: WhatIf) -> dict[str, Any]:
    # As it is, the amounts are `fmload cost`'s own: in decimals, of which a sum may lie just beside half a cent.
    day_usd = sum((_usd(line) for line in levers.lines), Decimal(0)) * levers.messages_per_day
    return {
        "run": report.directory,
        "messages": levers.messages_per_day,
        "days": levers.month_days,
        "now": {"day": amounts.usd(day_usd), "month": amounts.usd(day_usd * levers.month_days)},
        "hits": float(levers.hits),
        "unanswered": float(levers.unanswered),
        "movable": levers.movable,
        "limits": levers.limits,
        "cuts": levers.cuts,
        "lines": [_line(line) for line in levers.lines],
    }


def _usd(line: Coefficients) -> Decimal:
    """What the line adds to the mean message as it is."""
    return line.share * (line.prompt_usd[line.model] + line.outputs[0] * line.output_usd[line.model])


def _line(line: Coefficients) -> dict[str, Any]:
    return {
        "model": line.model,
        "share": float(line.share),
        "cacheable": line.is_cacheable,
        "back": float(line.back),
        "prompt": line.prompt_usd,
        "token": line.output_usd,
        "outputs": [float(tokens) for tokens in line.outputs],
    }
