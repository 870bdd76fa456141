"""What to do about the bill: a month over the limit, one query type that carries it, money that bought nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from loadtester.analysis.figures import Totals
from loadtester.analysis.projected import month, output_usd
from loadtester.analysis.report import Advice, Figures, Report
from loadtester.cost import PriceTable
from loadtester.model import Usage

#: Part of the bill that is let pass.
_FEW: Final = 0.01
_MONTHLY_USD: Final = Decimal(50_000)
#: Part of the bill from which on one query type carries it, and how many times its part of the requests that must be.
_DEAR: Final = 0.4
_DEAR_TIMES: Final = 1.5
#: Keeps a part that was rounded in division from being a hair too large.
_HAIR: Final = Decimal("1e-12")


def advise_on_bill(report: Report, whole: Totals, prices: PriceTable, place: str) -> Iterator[Advice]:
    """Findings on the bill of a run that is kept at `place`."""
    yield from _bill(report, whole, prices, place)
    yield from _dear_query(report, prices, place)
    yield from _wasted(report, place)


def _bill(report: Report, whole: Totals, prices: PriceTable, place: str) -> Iterator[Advice]:
    monthly = report.total.cost.monthly
    if monthly is None or monthly <= _MONTHLY_USD:
        return
    name, dearest = _dearest(report)
    output = month(report.manifest, whole, lambda cells: output_usd(cells, prices)).monthly_usd or Decimal(0)
    prompts = monthly - output
    part = _percent((_MONTHLY_USD - prompts) / output) if output else Decimal(0)
    if part >= 1:
        change = f"answers of {part} % their length, or caching, or a cheaper model for that query type"
        flags = f"--answer-tokens {part}%"
    else:
        both = _percent(_MONTHLY_USD / monthly)
        change = (
            f"caching, a cheaper model, or prompts and answers of {both} % their length: shorter answers alone "
            f"don't do it, as the prompts cost ${prompts:,.0f} of it"
        )
        flags = f"--prompt-tokens {both}% --answer-tokens {both}%"
    yield Advice(
        "bill",
        f"the month is projected at ${monthly:,.0f}, over ${_MONTHLY_USD:,}; "
        f"{name} makes {_bill_share(report, dearest):.0%} of the bill",
        change,
        f"${monthly - _MONTHLY_USD:,.0f} a month to save",
        {"monthly_usd": str(monthly), "query": name},
        f"fmload cost {place} {flags} --max-month {_MONTHLY_USD}",
        float((monthly - _MONTHLY_USD) / monthly),
    )


def _percent(part: Decimal) -> Decimal:
    """A part in per cent, rounded down: to whole ones, or below one to millionths."""
    per_cent = (part - _HAIR) * 100
    return per_cent.quantize(Decimal(1) if per_cent >= 1 else Decimal("0.000001"), ROUND_FLOOR)


def _dearest(report: Report) -> tuple[str, Figures]:
    return max(report.by["query"].items(), key=lambda item: item[1].cost.run or 0)


def _bill_share(report: Report, part: Figures) -> float:
    return float((part.cost.run or 0) / report.total.cost.run) if report.total.cost.run else 0.0


def _dear_query(report: Report, prices: PriceTable, place: str) -> Iterator[Advice]:
    """One query type carries the bill: what its tokens would cost at another price of the run's models."""
    name, dearest = _dearest(report) if report.by["query"] else ("", report.total)
    sent = report.total.funnel.sent
    if not sent or not report.total.cost.run or not dearest.cost.run:
        return
    share, asked = _bill_share(report, dearest), dearest.funnel.sent / sent
    if share < _DEAR or share < _DEAR_TIMES * asked:
        return
    tokens = dearest.tokens
    usage = Usage(tokens.input, tokens.output, tokens.cache_read, tokens.cache_write, tokens.reasoning)
    usd_by_model = {model: usd for model in report.by["model"] if (usd := prices.usd(model, usage)) is not None}
    if not usd_by_model:
        return
    cheapest = min(usd_by_model, key=lambda model: usd_by_model[model])
    saved = float((dearest.cost.run - usd_by_model[cheapest]) / report.total.cost.run)
    if saved <= _FEW:
        return
    yield Advice(
        "dear_query",
        f"{name} makes {share:.0%} of the bill with {asked:.0%} of the requests",
        f"let {cheapest} answer it, if its answers are good enough",
        f"about {saved:.0%} of the bill saved, at that model's list price for the same tokens",
        {"query": name, "bill_share": share, "request_share": asked, "model": cheapest},
        f"fmload cost {place} --query-model {name}={cheapest}",
        saved,
    )


def _wasted(report: Report, place: str) -> Iterator[Advice]:
    cost = report.total.cost
    if not cost.run or not cost.wasted:
        return
    share = float(cost.wasted / cost.run)
    if share <= _FEW:
        return
    yield Advice(
        "wasted",
        f"${cost.wasted:,.4f} of ${cost.run:,.4f} ({share:.0%}) was paid for answers that nobody could use",
        "mend what cuts, breaks or spoils them (see `outcomes`)",
        f"{share:.0%} of the bill buys answers",
        {"wasted_usd": str(cost.wasted), "run_usd": str(cost.run)},
        f"fmload cost {place}",
        share,
    )
