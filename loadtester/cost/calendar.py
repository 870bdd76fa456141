"""How many messages a day, a month and a year bring: weekends, named months, growth."""

from __future__ import annotations

from calendar import monthrange, weekday
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from loadtester.errors import Exit, FmloadError

DAYS_IN_MONTH: Final = 30
DAYS_IN_YEAR: Final = 365
MOST_MESSAGES: Final = 10**12
#: About the number of people there are; more messages a day than this are rarely meant.
_MANY: Final = 8 * 10**9
_FIRST_WEEKEND_DAY: Final = 5
_DAYS_IN_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Calendar:
    """`messages_per_day` is a weekday's; `weekend_share` the part of a week's messages on its two weekend days.

    None is a week of seven equal days. `growth` is per month, compounded. `month` is a year and a month; without one a
    month is 30 days of the mean day of a week.
    """

    messages_per_day: int
    weekend_share: Decimal | None = None
    growth: Decimal = Decimal(0)
    month: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.messages_per_day <= MOST_MESSAGES:
            raise _wrong("--messages-per-day", self.messages_per_day, f"1 to {MOST_MESSAGES:,}")
        if self.weekend_share is not None and not 0 <= self.weekend_share < 1:
            raise _wrong("--weekend-share", self.weekend_share, "0% up to less than 100%; an even week has 28.6%")
        if not -1 < self.growth <= 10:  # noqa: PLR2004  tenfold a month is beyond any forecast
            raise _wrong("--growth", self.growth, "more than -100% and up to 1000%")

    def weekend_day(self) -> Decimal:
        """A weekend day's messages, as a multiple of a weekday's: 5/2 × s / (1 - s)."""
        if self.weekend_share is None:
            return Decimal(1)
        return Decimal(5) / 2 * self.weekend_share / (1 - self.weekend_share)

    def month_days(self) -> Decimal:
        """The month's messages in weekdays' worth."""
        if self.month is None:
            return DAYS_IN_MONTH * self._mean_day()
        year, month = self.month
        days = range(1, monthrange(year, month)[1] + 1)
        weekend = sum(weekday(year, month, day) >= _FIRST_WEEKEND_DAY for day in days)
        return len(days) - weekend + weekend * self.weekend_day()

    def month_length(self) -> int:
        """The month's days as a calendar has them: what is bought by the hour is paid on each."""
        return monthrange(*self.month)[1] if self.month else DAYS_IN_MONTH

    def year_days(self) -> Decimal:
        """The coming year's messages in today's weekdays' worth: twelve months, each grown on the one before."""
        months = sum(((1 + self.growth) ** k for k in range(12)), Decimal(0))
        return DAYS_IN_YEAR * self._mean_day() * months / 12

    def _mean_day(self) -> Decimal:
        return (5 + 2 * self.weekend_day()) / _DAYS_IN_WEEK

    def assumption(self) -> str:
        """What is taken for granted, for people."""
        days = f"{self.month[0]}-{self.month[1]:02d}" if self.month else f"{DAYS_IN_MONTH} days"
        shape = (
            "every day alike"
            if self.weekend_share is None
            else f"a weekend day has {self.weekend_day():.3f} of a weekday's"
        )
        grown = f", growing {self.growth:.1%} a month" if self.growth else ""
        many = "; more messages a day than there are people" if self.messages_per_day > _MANY else ""
        return f"{self.messages_per_day:,} messages a weekday, {shape}; a month is {days}; a year 365{grown}{many}"


def _wrong(flag: str, value: object, fix: str) -> FmloadError:
    return FmloadError(f"{flag} is {value}", remedy=f"write {fix}", code=Exit.USAGE)
