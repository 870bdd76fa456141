"""A quote as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from loadtester.cost.estimate import Amount, Estimate
    from loadtester.cost.provisioned import Provisioned
    from loadtester.cost.quote import Quote
    from loadtester.cost.reconcile import Pair


def print_quote(quote: Quote, bought: Provisioned | None, console: Console) -> None:
    """Print everything that a quote holds."""
    for part in _parts(quote, bought):
        console.print(part, highlight=False, soft_wrap=True, markup=False)


def pairs_table(pairs: tuple[Pair, ...]) -> Table:
    """The run's figures beside CloudWatch's."""
    table = _table("model", "figure", "run", "CloudWatch", title="CloudWatch")
    for pair in pairs:
        table.add_row(
            pair.model, pair.metric, f"{pair.run:,}", "no data" if pair.cloudwatch is None else f"{pair.cloudwatch:,}"
        )
    return table


def _parts(quote: Quote, bought: Provisioned | None) -> Iterator[RenderableType]:
    from loadtester.cost.overlay import overlay  # noqa: PLC0415  the catalogue is heavy, and --help must be quick
    from loadtester.cost.quote import NO_GOOD_ANSWER  # noqa: PLC0415

    yield f"{quote.basis.source}; prices: {quote.tariff.prices.source}; overlay read {overlay().read}"
    yield quote.calendar.assumption()
    yield from (f"note: {note}" for note in quote.basis.notes)
    if quote.basis.today:
        yield _today(quote)
    if quote.now is None:
        yield NO_GOOD_ANSWER
        return
    yield _estimates(quote, bought)
    yield from (f"{effect.name}: {effect.note}" for effect in quote.alone if effect.note)
    yield from _stated(quote)
    yield _swings(quote)
    if bought:
        yield _bought(bought)


def _today(quote: Quote) -> Table:
    from loadtester.cost.basis import RETRIED, WARMUP  # noqa: PLC0415  heavy, and --help must be quick

    per_good = quote.per_good_answer_usd
    title = "the run's bill" + (f"; ${per_good:.6f} for each answer within the SLO" if per_good else "")
    table = _table("query", "model", "outcome", "is", "messages", "USD", title=title)
    for row in (row for row in quote.basis.today if row.group != WARMUP):
        table.add_row(row.query, row.model, row.outcome, row.group, f"{row.messages:,}", f"{row.usd:.6f}")
    has_warmup = any(row.group == WARMUP for row in quote.basis.today)
    for group in ("good", "useless", "failed", *((WARMUP,) if has_warmup else ())):
        rows = [row for row in quote.basis.today if row.group == group]
        usd = sum((row.usd for row in rows), Decimal(0))
        table.add_row("all", "", "", group, f"{sum(row.messages for row in rows):,}", f"{usd:.6f}")
    again = [row for row in quote.basis.today if row.group == RETRIED]
    usd = sum((row.usd for row in again), Decimal(0))
    calls = sum(row.messages for row in again) + (quote.basis.retries or 0)
    is_known = quote.basis.retries is not None or again
    table.add_row("all", "", "", RETRIED, *((f"{calls:,}", f"{usd:.6f}") if is_known else ("-", "not on record")))
    return table


def _estimates(quote: Quote, bought: Provisioned | None) -> Table:
    table = _table("", "a message", "a weekday", "a month", "a year", "saves a month", title="projected, USD")
    if quote.now is not None:
        table.add_row("now", *_amounts(quote.now), "")
    for effect in quote.alone:
        table.add_row(effect.name, *_amounts(effect.estimate), f"{effect.saves_month_usd:,.2f}")
    if quote.combined and len(quote.alone) > 1:
        table.add_row(quote.combined.name, *_amounts(quote.combined.estimate), f"{quote.combined.saves_month_usd:,.2f}")
    if bought is not None and quote.final is not None:
        bill = bought.bill(quote.final, quote.calendar)
        usd = (bill.day_usd, bill.month_usd, bill.year_usd, bill.saves_month_usd)
        table.add_row(bought.name, "", *(f"{amount:,.2f}" for amount in usd))
    return table


def _amounts(estimate: Estimate) -> tuple[str, ...]:
    periods = (estimate.day, estimate.month, estimate.year)
    return (f"{estimate.message.usd:.8f}", *(_amount(amount) for amount in periods))


def _amount(amount: Amount) -> str:
    if amount.low is None or amount.high is None:
        return f"{amount.usd:,.2f}"
    return f"{amount.usd:,.2f} ({amount.low:,.0f} to {amount.high:,.0f})"


def _stated(quote: Quote) -> Iterator[Table]:
    if not quote.compared:
        return
    title = f"as stated, of {quote.basis.messages_per_day:,} messages a day"
    table = _table("figure, USD a day", "stated", "its own arithmetic", "exactly", title=title)
    for one in quote.compared:
        table.add_row(one.stated.name, f"{one.stated.usd:,.2f}", f"{one.own_usd:,.2f}", f"{one.exact_usd:,.2f}")
    yield table


def _swings(quote: Quote) -> Table:
    widest = max((swing.width_usd for swing in quote.swings), default=Decimal(0))
    table = _table("lever", "step", "down", "up", "", title="what moves the month, USD")
    for swing in quote.swings:
        bar = "█" * round(20 * swing.width_usd / widest) if widest else ""
        table.add_row(swing.lever, swing.step, _signed(swing.down_usd), _signed(swing.up_usd), bar)
    return table


def _signed(usd: Decimal | None) -> str:
    return "-" if usd is None else f"{usd:+,.2f}"


def _bought(bought: Provisioned) -> str:
    return (
        f"{bought.name}: after all that is above; ${bought.day_usd:,.2f} a day against "
        f"${bought.on_demand_day_usd:,.2f} on demand; used {bought.utilisation:.1%}; cheaper {bought.worth}"
    )


def _table(*columns: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    numbers = {"messages", "USD", "run", "CloudWatch", "stated", "exactly", "down", "up"}
    for column in columns:
        is_number = column in numbers or column.startswith(("a ", "saves", "its own"))
        table.add_column(column, justify="right" if is_number else "left", no_wrap=True)
    return table
