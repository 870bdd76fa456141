"""A quote as JSON and as CSV: figures as decimal strings, so that no money is rounded on the way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from loadtester.cost.estimate import Amount, Estimate
from loadtester.cost.overlay import overlay
from loadtester.cost.provisioned import Provisioned
from loadtester.cost.quote import NO_GOOD_ANSWER, Effect, Quote
from loadtester.cost.reconcile import Pair
from loadtester.rundir.spreadsheet import plain_text

_PERIODS = ("message", "day", "month", "year")
_BOUNDS = ("", "_low", "_high")
_COLUMNS = (
    "part",
    "name",
    *(f"{period}_usd{bound}" for period in _PERIODS for bound in _BOUNDS),
    "saves_month_usd",
    *("model", "outcome", "group", "messages", "usd"),
    *("step", "down_month_usd", "up_month_usd"),
    *("units", "utilisation", "break_even_utilisation"),
)

#: Columns whose texts come from elsewhere; the others are numbers, which may begin with a sign.
_NAMES = frozenset({"name", "model", "outcome", "group"})


def as_json(quote: Quote, bought: Provisioned | None, pairs: tuple[Pair, ...] = ()) -> str:
    """The whole quote. Names and units are those of docs/cost.md."""
    basis = quote.basis
    whole = {
        "schema": 1,
        "source": basis.source,
        "price_table": quote.tariff.prices.source,
        "overlay_read": overlay().read,
        "assumption": quote.calendar.assumption(),
        "notes": list(basis.notes),
        "interval": {"seconds": basis.seconds, "block_s": basis.block_s} if basis.block_s else None,
        "run_usd": quote.spent_usd,
        "warmup_usd": quote.warmup_usd,
        "good_answers": basis.good,
        "per_good_answer_usd": quote.per_good_answer_usd,
        "retries": basis.retries,
        "by_outcome": [asdict(row) for row in basis.today],
        "now": _estimate(quote.now),
        "no_projection": NO_GOOD_ANSWER if quote.now is None else None,
        "what_if": [_effect(effect) for effect in quote.alone],
        "combined": _effect(quote.combined) if quote.combined else None,
        "sensitivity": [asdict(swing) for swing in quote.swings],
        "provisioned": _provisioned(quote, bought) if bought else None,
        "stated": [
            {"name": one.stated.name, "stated_usd": one.stated.usd, "own_usd": one.own_usd, "exact_usd": one.exact_usd}
            for one in quote.compared
        ],
        "cloudwatch": [{**asdict(pair), "finding": pair.finding} for pair in pairs],
    }
    return json.dumps(whole, default=_plain, indent=2, ensure_ascii=False) + "\n"


def as_csv(quote: Quote, bought: Provisioned | None = None) -> str:
    """One line a figure.

    Of the run's bill (`bill`) the query type as name, model, outcome, group, messages and USD; of estimates USD a
    message, a day, a month, a year, and the bounds of each; of levers (`sensitivity`) the step, and the change of the
    month either way; of provisioned units (`provisioned`) the bill with them, and from which utilisation on they pay.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in (*_rows(quote), *(() if bought is None else (_provisioned_cells(quote, bought),))):
        writer.writerow({column: _plain_cell(column, value) for column, value in row.items()})
    return out.getvalue()


def _plain_cell(column: str, value: str | int) -> str | int:
    return plain_text(value) if column in _NAMES and isinstance(value, str) else value


def _rows(quote: Quote) -> Iterator[dict[str, str | int]]:
    for row in quote.basis.today:
        yield {
            "part": "bill",
            "name": row.query,
            "model": row.model,
            "outcome": row.outcome,
            "group": row.group,
            "messages": row.messages,
            "usd": _text(row.usd),
        }
    if quote.now is None:
        return
    yield {"part": "now", "name": quote.basis.source, **_cells(quote.now)}
    for effect in quote.alone:
        yield {"part": "what_if", **_effect_cells(effect)}
    if quote.combined:
        yield {"part": "combined", **_effect_cells(quote.combined)}
    for swing in quote.swings:
        yield {
            "part": "sensitivity",
            "name": swing.lever,
            "step": swing.step,
            "down_month_usd": _text(swing.down_usd),
            "up_month_usd": _text(swing.up_usd),
        }


def _provisioned(quote: Quote, bought: Provisioned) -> dict[str, Any]:
    bill = bought.bill(quote.final, quote.calendar) if quote.final is not None else None
    return {**asdict(bought), "bill_usd": asdict(bill) if bill else None}


def _provisioned_cells(quote: Quote, bought: Provisioned) -> dict[str, str | int]:
    cells: dict[str, str | int] = {
        "part": "provisioned",
        "name": bought.name,
        "model": bought.model,
        "units": bought.units,
        "utilisation": _text(bought.utilisation),
        "break_even_utilisation": _text(bought.break_even),
    }
    if quote.final is not None:
        cells |= {name: _text(usd) for name, usd in asdict(bought.bill(quote.final, quote.calendar)).items()}
    return cells


def _effect_cells(effect: Effect) -> dict[str, str]:
    return {"name": effect.name, **_cells(effect.estimate), "saves_month_usd": _text(effect.saves_month_usd)}


def _cells(estimate: Estimate) -> dict[str, str]:
    amounts: dict[str, Amount] = {period: getattr(estimate, period) for period in _PERIODS}
    return {
        f"{period}_usd{bound}": _text(number)
        for period, amount in amounts.items()
        for bound, number in zip(_BOUNDS, (amount.usd, amount.low, amount.high), strict=True)
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else {f"{period}_usd": asdict(getattr(estimate, period)) for period in _PERIODS}


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "name": effect.name,
        "note": effect.note,
        "saves_month_usd": effect.saves_month_usd,
        **(_estimate(effect.estimate) or {}),
    }


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return _text(value)
    raise TypeError(type(value).__name__)


def _text(number: Decimal | None) -> str:
    """To a millionth of a millionth of a dollar, without an exponent."""
    return "" if number is None else f"{number:.12f}".rstrip("0").rstrip(".") or "0"
