"""Figures as people read them."""

from decimal import Decimal

import pytest

from loadtester.live import words


@pytest.mark.parametrize(
    ("value_s", "said"),
    [
        (None, "–"),
        (0.0, "0.0ms"),
        (0.0042, "4.2ms"),
        (0.64, "640ms"),
        (1.284, "1.28s"),
        (125.2, "125s"),
        (4e3, "4,000s"),
    ],
)
def test_durations_have_the_digits_that_tell_something(value_s, said):
    """Three or so, in the unit that fits."""
    assert words.seconds_shown(value_s) == said


def test_bars_are_of_the_last_values_against_the_highest():
    """The highest is full, none is a space, and no more than there is room for."""
    assert words.spark([9, 0, 1, 8], 3) == " ▂█"
    assert words.spark([], 5) == words.spark([0.0], 5) == words.spark([1.0], 0) == ""


def test_pieces_fit_whole_or_not_at_all():
    """The first that has no room ends the line: what follows would be read as its neighbour."""
    assert words.fitting(["12,345", "678", "9"], 12) == "12,345   678"
    assert words.fitting(["12,345"], 5) == ""


def test_cents_show_where_there_are_no_dollars():
    """A cheap run's bill is not $0.00."""
    assert (words.usd_shown(Decimal("0.0035")), words.usd_shown(Decimal("1234.5"))) == ("$0.0035", "$1,234.50")


@pytest.mark.parametrize(("value_s", "said"), [(45, "45s"), (725, "12:05"), (3723, "1:02:03")])
def test_times_of_a_run(value_s, said):
    """Seconds, minutes, hours."""
    assert words.clock_shown(value_s) == said
