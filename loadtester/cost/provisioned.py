"""Provisioned throughput beside on-demand: at the user's own price, for none is public."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from loadtester.cost.bill import Lines, Tariff, dearest
from loadtester.cost.calendar import DAYS_IN_YEAR, Calendar
from loadtester.cost.estimate import Estimate
from loadtester.errors import Exit, FmloadError

_MINUTES: Final = 1440
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A model's traffic on units bought by the hour, for the peak, against the same traffic on demand.

    `break_even` is the part of the bought tokens per minute from which on they are cheaper; over 1, never.
    """

    model: str
    units: int
    day_usd: Decimal
    on_demand_day_usd: Decimal
    utilisation: Decimal
    break_even: Decimal

    @property
    def name(self) -> str:
        """What it is called beside the what-ifs."""
        return f"{self.units:,} provisioned unit{'s' * (self.units != 1)} of {self.model}"

    @property
    def worth(self) -> str:
        """From which utilisation on it is cheaper than on demand."""
        return "never, at this price" if self.break_even > 1 else f"from {self.break_even:.1%} utilisation"

    def bill(self, before: Estimate, calendar: Calendar) -> Bill:
        """The whole bill with the units in the place of their model's tokens on demand.

        Units are paid every hour of every day, whatever comes.
        """
        on_demand = self.on_demand_day_usd
        month = before.month.usd - on_demand * calendar.month_days() + self.day_usd * calendar.month_length()
        return Bill(
            day_usd=before.day.usd - on_demand + self.day_usd,
            month_usd=month,
            year_usd=before.year.usd - on_demand * calendar.year_days() + self.day_usd * DAYS_IN_YEAR,
            saves_month_usd=before.month.usd - month,
        )


@dataclass(frozen=True, slots=True)
class Bill:
    """USD of a weekday, a month and a year, and what the month is less than without the units."""

    day_usd: Decimal
    month_usd: Decimal
    year_usd: Decimal
    saves_month_usd: Decimal


def provisioned(
    lines: Lines,
    tariff: Tariff,
    model: str | None,
    *,
    messages_per_day: int,
    peak: Decimal,
    usd_per_hour: Decimal,
    tokens_per_minute: int,
) -> Provisioned:
    """One unit costs `usd_per_hour` and does `tokens_per_minute`; `peak` is the busiest minute over the mean one.

    Without a model, the one that costs the most. Raises FmloadError where no tokens go to it.
    """
    if usd_per_hour <= 0 or tokens_per_minute <= 0 or peak < 1:
        raise FmloadError(
            "provisioned throughput needs a price and tokens above 0, and a peak of 1 or more",
            remedy="write --provisioned-price 40 --provisioned-tokens-per-minute 500000 --peak 3",
            code=Exit.USAGE,
        )
    chosen = model or dearest(lines, tariff)
    mine = tuple(line for line in lines if line.model == chosen)
    tokens = sum((line.share * (line.prompt + line.output) for line in mine), Decimal(0)) * messages_per_day
    if not tokens:
        raise FmloadError(f"no token goes to {chosen}", remedy="name another --provisioned-model", code=Exit.USAGE)
    on_demand = tariff.usd_per_message(mine) * messages_per_day
    per_minute = tokens / _MINUTES
    units = int((per_minute * peak / tokens_per_minute).to_integral_value(ROUND_CEILING))
    unit_day_usd = usd_per_hour * _HOURS
    full_unit_usd = on_demand / tokens * tokens_per_minute * _MINUTES
    return Provisioned(
        model=chosen,
        units=units,
        day_usd=units * unit_day_usd,
        on_demand_day_usd=on_demand,
        utilisation=per_minute / (units * tokens_per_minute),
        break_even=unit_day_usd / full_unit_usd,
    )
