"""A projection is the mix's mean, and says what it assumes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.cost import project
from loadtester.scenario.mix import PRODUCTION, SONNET

REPEATABLE = settings(derandomize=True, deadline=None)

MIX = {query.name: query.share for query in PRODUCTION}
HAIKU_USD, SONNET_USD = Decimal("0.000375"), Decimal("0.0045")
EACH = {query.name: SONNET_USD if query.model == SONNET else HAIKU_USD for query in PRODUCTION}


def test_mangaassist_by_hand():
    """70 % Haiku at $0.000375 and 30 % Sonnet at $0.0045: $1,612.50 a day for a million, $48,375 a month."""
    projection = project({name: (usd * 40, 40) for name, usd in EACH.items()}, MIX, 1_000_000)
    assert projection.mean_usd_per_message == Decimal("0.0016125")
    assert projection.daily_usd == Decimal("1612.5")
    assert projection.monthly_usd == Decimal(48_375)
    assert "1,000,000 messages" in projection.assumption
    assert "30 days" in projection.assumption
    assert "not seen" not in projection.assumption


def test_the_run_need_not_have_the_mix():
    """A run that asked one type a thousand times as often projects to the same bill: the mix weighs, not the run."""
    even = project({name: (usd * 10, 10) for name, usd in EACH.items()}, MIX, 1_000)
    skewed = project(
        {name: (usd * 10_000, 10_000) if name == "greeting" else (usd * 10, 10) for name, usd in EACH.items()},
        MIX,
        1_000,
    )
    assert skewed == even


def test_failed_messages_count():
    """A planned message that cost nothing is part of the mean."""
    projection = project({"a": (Decimal(3), 4)}, {"a": 1.0}, 100)
    assert projection.mean_usd_per_message == Decimal("0.75")


def test_unseen_types_are_named_and_rescaled():
    """Types that the run never planned are named with their part of the mix, and the others stand in for them."""
    seen = {"a": (Decimal(1), 10), "b": (Decimal(4), 10), "c": (Decimal(0), 0)}
    projection = project(seen, {"a": 0.25, "b": 0.25, "c": 0.3, "d": 0.2}, 1_000)
    assert projection.mean_usd_per_message == Decimal("0.25")
    assert "c, d (50.0% of the mix) not seen" in projection.assumption


def test_types_outside_the_mix_are_named():
    """What the run spent on a type that the mix doesn't have is left out, and named."""
    projection = project({"a": (Decimal(1), 1), "x": (Decimal(99), 1)}, {"a": 1.0, "z": 0.0}, 10)
    assert projection.daily_usd == 10
    assert "x left out" in projection.assumption
    assert "z" not in projection.assumption.replace("x left out", "")


@pytest.mark.parametrize("seen", [{}, {"a": (Decimal(0), 0)}, {"other": (Decimal(1), 1)}])
def test_nothing_seen_is_no_projection(seen):
    """Where the run planned nothing of the mix there is no bill, rather than one of 0."""
    projection = project(seen, {"a": 1.0}, 1_000)
    assert projection.mean_usd_per_message is None
    assert projection.daily_usd is None
    assert projection.monthly_usd is None
    assert "no projection" in projection.assumption


def test_a_named_month():
    """A month of 31 days costs 31 of them."""
    projection = project({"a": (Decimal(1), 1)}, {"a": 1.0}, 10, days=31)
    assert projection.monthly_usd == 310
    assert "31 days" in projection.assumption


@REPEATABLE
@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.decimals(0, 1_000, places=6), st.integers(1, 10**6), st.integers(1, 100)),
        min_size=1,
    ),
    st.integers(1, 10**7),
)
def test_the_mean_lies_between_the_types(types, daily):
    """Amounts are Decimals, the mean lies between the cheapest and the dearest type, the month is thirty days."""
    projection = project(
        {name: (usd, planned) for name, (usd, planned, _) in types.items()},
        {name: share / 100 for name, (_, _, share) in types.items()},
        daily,
    )
    means = [usd / planned for usd, planned, _ in types.values()]
    slack = Decimal("1e-20")
    assert type(projection.mean_usd_per_message) is Decimal
    assert min(means) - slack <= projection.mean_usd_per_message <= max(means) + slack
    assert projection.daily_usd == projection.mean_usd_per_message * daily
    assert projection.monthly_usd == projection.daily_usd * 30


@REPEATABLE
@given(st.integers(1, 50))
def test_scale_of_the_shares_is_free(scale):
    """Shares in percent, or in any other scale, give the same bill."""
    seen = {"a": (Decimal(1), 8), "b": (Decimal(3), 8)}
    assert project(seen, {"a": Decimal(scale), "b": Decimal(3 * scale)}, 64).daily_usd == 20
