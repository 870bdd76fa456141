"""Messages of a month and a year by hand."""

from decimal import Decimal

import pytest

from loadtester.cost.calendar import Calendar
from loadtester.errors import FmloadError


def test_every_day_alike():
    """A month is 30 days, a year 365."""
    calendar = Calendar(1_000)
    assert (calendar.month_days(), calendar.year_days()) == (30, 365)


def test_weekends():
    """With a sixth of a week's messages on its weekend, a weekend day has half a weekday's: a week has six."""
    calendar = Calendar(1_000, weekend_share=Decimal(1) / 6)
    assert abs(calendar.weekend_day() - Decimal("0.5")) < Decimal("1e-20")
    assert abs(calendar.month_days() - Decimal(30) * 6 / 7) < Decimal("1e-20")


def test_a_named_month():
    """August 2026 has ten weekend days of 31, February 2028 has 29 days."""
    assert Calendar(1, weekend_share=Decimal(0), month=(2026, 8)).month_days() == 21
    assert Calendar(1, month=(2028, 2)).month_days() == 29


def test_growth_compounds():
    """Ten percent a month: the year is Σ 1.1^k twelfths of 365 days; the month is today's."""
    calendar = Calendar(1, growth=Decimal("0.1"))
    total = (Decimal("1.1") ** 12 - 1) / Decimal("0.1")
    assert abs(calendar.year_days() - 365 * total / 12) < Decimal("1e-20")
    assert calendar.month_days() == 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages_per_day": 0},
        {"messages_per_day": 10**12 + 1},
        {"messages_per_day": 1, "weekend_share": Decimal(1)},
        {"messages_per_day": 1, "growth": Decimal(-1)},
        {"messages_per_day": 1, "growth": Decimal(11)},
    ],
)
def test_limits(wrong):
    """Nothing, more than anybody has, a week of weekends, and growth beyond reason are errors."""
    with pytest.raises(FmloadError):
        Calendar(**wrong)


def test_a_trillion_a_day():
    """10^12 messages a day are taken, exactly, with a word."""
    assert "than there are people" in Calendar(10**12).assumption()
    assert "than there are people" not in Calendar(10**6).assumption()
