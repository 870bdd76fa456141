"""Figures of comparisons as text."""

import pytest

from loadtester.reporters.compared_values import columns, difference, relative, value


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        ("s", 0.0123, "12.3 ms"),
        ("s", 0.640, "640 ms"),
        ("s", 1.234, "1.23 s"),
        ("per_s", 9.876, "9.88/s"),
        ("share", 0.9912, "99.12%"),
        ("tokens", 183.63, "183.6"),
        ("tokens", 1234.4, "1,234"),
        ("usd", 0.0023637, "$0.00236"),
        ("usd", 70657.3, "$70,657"),
        ("s", None, "-"),
    ],
)
def test_a_figure_in_its_unit(unit, amount, text):
    """As many digits as were measured, in the unit people read."""
    assert value(unit, amount) == text


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        ("s", -0.0123, "-12.3 ms"),
        ("share", 0.005, "+0.50 pt"),
        ("usd", -12.0, "-$12"),
        ("usd", 12.0, "+$12"),
        ("usd", -1e-12, "+$0.00000"),
        ("per_s", -0.5, "-0.50/s"),
    ],
)
def test_a_difference_has_a_sign(unit, amount, text):
    """Shares differ by points; a rounding error is no saving."""
    assert difference(unit, amount) == text


def test_a_part_of_the_base():
    """With its interval, where there is one."""
    assert relative(0.25) == "+25.0%"
    assert relative(0.25, (-0.1, 0.6)) == "+25.0% (-10.0% … +60.0%)"
    assert relative(None) == "-"


def test_columns_line_up():
    """Numbers end below each other, words begin so; no line ends in blanks."""
    assert columns([["a", "1", "x"], ["bb", "22", ""]], right=frozenset({1})) == ["a    1  x", "bb  22"]
