"""The arithmetic of each figure, line by line, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from loadtester.cost.bill import CACHE, KINDS, Line, Lines, Tariff
from loadtester.cost.calendar import DAYS_IN_MONTH, Calendar
from loadtester.cost.stated import Compared


def bill_lines(lines: Lines, tariff: Tariff, calendar: Calendar) -> Iterator[str]:
    """A weekday's bill, its month and its year."""
    count = calendar.messages_per_day
    for line in lines:
        usd = line.share * tariff.usd_each(line) * count
        yield f"{line.query} · {line.model}: {count:,} × {_n(line.share)} × {_each(line, tariff)} = {_usd(usd)}"
    day = tariff.usd_per_message(lines) * count
    yield f"a weekday: the sum = {_usd(day)}"
    month, year = calendar.month_days(), calendar.year_days()
    yield f"a month: {_usd(day)} × {_n(month)} weekdays' worth = {_usd(day * month)}"
    yield f"a year: {_usd(day)} × {_n(year)} weekdays' worth = {_usd(day * year)}"


def stated_lines(compared: tuple[Compared, ...]) -> Iterator[str]:
    """Each stated figure from its own assumption, beside what exact arithmetic makes of it, and why they differ."""
    for one in compared:
        stated = one.stated
        gap = stated.usd - one.exact_usd
        own = f"{_n(stated.messages)} × ${_n(stated.usd_each)} = {_usd(one.own_usd)}"
        agrees = "as stated" if one.is_reproduced else f"stated as {_usd(stated.usd)}"
        exact = "exactly so" if abs(gap) < Decimal("0.005") else f"exactly {_usd(one.exact_usd)}, so {_usd(gap)} off"
        yield f"{stated.name}: {own}, {agrees}; {exact}" + ("" if stated.why == "none" else f": {stated.why}")


def stated_sums(compared: tuple[Compared, ...]) -> Iterator[str]:
    """What the stated figures come to: the day's bill, and the savings with their month of 30 days."""
    bill = [one for one in compared if one.stated.change is None]
    savings = [one for one in compared if one.stated.change is not None]
    if bill:
        stated, exact = _sums(bill)
        yield f"stated bill: {_usd(stated)} a day; exactly {_usd(exact)}"
    if savings:
        stated, exact = _sums(savings)
        yield (
            f"stated savings: {_usd(stated)} a day × {DAYS_IN_MONTH} = {_usd(stated * DAYS_IN_MONTH)} a month; exactly "
            f"{_usd(exact)} a day one by one, and less together, as each leaves less for the others to save"
        )


def _sums(compared: list[Compared]) -> tuple[Decimal, Decimal]:
    return sum((one.stated.usd for one in compared), Decimal(0)), sum((one.exact_usd for one in compared), Decimal(0))


def _each(line: Line, tariff: Tariff) -> str:
    if not line.is_paid:
        return f"$0 ({'a hit' if line.model == CACHE else 'no answer'})"
    rates = tariff.rates(line.model)
    names = {
        "input": "in",
        "output": "out",
        "cache_read": "read",
        "cache_write": "written",
        "hour_write": "written 1 h",
    }
    parts = [
        f"{_n(getattr(line, kind))} {names[kind]} × ${_n(rates[kind] or Decimal(0))}"
        for kind in KINDS
        if getattr(line, kind)
    ]
    factors = [
        f" × {_n(factor)} {why}"
        for factor, why in ((line.factor, "(tier or batch)"), (tariff.corrections.get(line.model), "(stated price)"))
        if factor is not None and factor != 1
    ]
    return f"({' + '.join(parts) or '0'}) / 1M{''.join(factors)}"


def _n(number: Decimal) -> str:
    """At most eight significant digits behind the point, no zeros at the end."""
    text = f"{number:,.8f}".rstrip("0").rstrip(".")
    return text or "0"


def _usd(usd: Decimal) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):,.2f}"
