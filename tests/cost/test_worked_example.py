"""MangaAssist's own figures: each reproduced from its stated assumption, beside exact arithmetic."""

from decimal import Decimal
from pathlib import Path

import pytest

from loadtester.cost import price_table
from loadtester.cost.assumptions import assumed_basis
from loadtester.cost.calendar import Calendar
from loadtester.cost.quote import quote

FILE = Path(__file__).parents[2] / "scenarios" / "assumptions" / "mangaassist.yaml"


@pytest.fixture(scope="module")
def quoted():
    basis, tariff = assumed_basis(FILE, lambda _: price_table({}))
    return quote(basis, tariff, Calendar(basis.messages_per_day), [])


@pytest.mark.parametrize(
    ("name", "stated", "exact"),
    [
        ("Haiku", 195, "195"),
        ("Sonnet", 3_150, "3150"),
        ("cache hits", -960, "-1070.4"),
        ("Haiku's share to 80 %", 945, "887.4"),
        ("cache hits to 50 %", 570, "602.1"),
        ("max_tokens from 1024 to 512", 400, "0"),
    ],
)
def test_each_line(quoted, name, stated, exact):
    """Messages × USD each is the stated figure to the dollar; exact arithmetic from the same mix is what it is."""
    one = next(one for one in quoted.compared if one.stated.name == name)
    assert one.is_reproduced
    assert one.stated.usd == stated
    assert one.own_usd.quantize(Decimal(1)) == stated
    assert one.exact_usd.quantize(Decimal("0.000001")) == Decimal(exact)


def test_the_sums(quoted):
    """$2,385 a day; levers of $1,915 a day, $57,450 a month; exactly $2,274.60 a day."""
    bill = [one for one in quoted.compared if one.stated.change is None]
    savings = [one for one in quoted.compared if one.stated.change is not None]
    assert sum(one.own_usd for one in bill) == 2_385
    assert sum(one.own_usd for one in savings).quantize(Decimal(1)) == 1_915
    assert 30 * sum(one.stated.usd for one in savings) == 57_450
    assert quoted.now.day.usd.quantize(Decimal("0.000001")) == Decimal("2274.6")
    assert quoted.now.month.usd == 30 * quoted.now.day.usd


def test_stated_figures_are_compared_at_their_own_traffic(quoted):
    """They were stated for the file's messages a day: at twice as many the bill doubles, and the comparison stays."""
    busier = quote(quoted.basis, quoted.tariff, Calendar(2_000_000), [])
    assert busier.compared == quoted.compared
    assert busier.now.day.usd == 2 * quoted.now.day.usd


def test_explain_says_where_they_differ(quoted):
    """Every stated figure is in the explanation, with what it is off by, and why."""
    said = "\n".join(quoted.explanation())
    for text in (
        "650,000 × $0.0003 = $195.00, as stated; exactly so",
        "350,000 × $0.009 = $3,150.00, as stated; exactly so",
        "exactly -$1,070.40, so $110.40 off",
        "150,000 × $0.0063 = $945.00, as stated; exactly $887.40, so $57.60 off",
        "exactly $602.10, so -$32.10 off",
        "exactly $0.00, so $400.00 off",
        "stated bill: $2,385.00 a day; exactly $2,274.60",
        "$1,915.00 a day × 30 = $57,450.00 a month",
    ):
        assert text in said
