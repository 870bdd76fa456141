"""From a bill's lines to a day, a month and a year, with an interval where a run varied."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from loadtester.cost import bootstrap
from loadtester.cost.basis import Basis
from loadtester.cost.bill import NEW, Lines, Tariff
from loadtester.cost.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Amount:
    """USD, and between what it lies in 95 % of resampled runs; no bounds where nothing varied on record."""

    usd: Decimal
    low: Decimal | None = None
    high: Decimal | None = None

    def times(self, count: Decimal | int) -> Amount:
        """So many of them."""
        low = None if self.low is None else self.low * count
        return Amount(self.usd * count, low, None if self.high is None else self.high * count)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the messages cost: each (the mean), a weekday's, a month's, a year's."""

    message: Amount
    day: Amount
    month: Amount
    year: Amount


def estimate(lines: Lines, basis: Basis, tariff: Tariff, calendar: Calendar) -> Estimate:
    """The estimate of lines that were made of the basis's by levers."""
    message = _interval(lines, basis, tariff)
    day = message.times(calendar.messages_per_day)
    return Estimate(message, day, day.times(calendar.month_days()), day.times(calendar.year_days()))


def _interval(lines: Lines, basis: Basis, tariff: Tariff) -> Amount:
    """Each line's resampled USD, scaled by what the levers made of it.

    What a run without money in a line can't vary (an embedding, say) is added as it is.
    """
    usd = tariff.usd_per_message(lines)
    if basis.replicates is None:
        return Amount(usd)
    was = [line.share * tariff.usd_each(line) for line in basis.lines]
    scales = np.zeros(len(was))
    fixed = Decimal(0)
    for line in lines:
        part = line.share * tariff.usd_each(line)
        if line.origin != NEW and was[line.origin]:
            scales[line.origin] += float(part / was[line.origin])
        else:
            fixed += part
    low, high = bootstrap.interval(basis.replicates @ scales + float(fixed))
    return Amount(usd, Decimal(repr(low)), Decimal(repr(high)))
