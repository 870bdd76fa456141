"""Money is exact, the user's prices win, and nothing without a price is free."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.cost import price_table
from loadtester.errors import Exit, FmloadError
from loadtester.model import Usage
from loadtester.scenario.mix import HAIKU, SONNET

REPEATABLE = settings(derandomize=True, deadline=None)

AT = datetime(2026, 11, 21, tzinfo=UTC)
TABLE = price_table({}, at=AT)
TOKENS = st.integers(min_value=0, max_value=10**10)
USAGES = st.builds(Usage, input=TOKENS, output=TOKENS, cache_read=TOKENS, cache_write=TOKENS)


def test_mangaassist_by_hand():
    """500 tokens in and 200 out: Haiku (500 × 0.25 + 200 × 1.25) / 1M, Sonnet (500 × 3 + 200 × 15) / 1M."""
    assert TABLE.usd(HAIKU, Usage(500, 200)) == Decimal("0.000375")
    assert TABLE.usd(SONNET, Usage(500, 200)) == Decimal("0.0045")


def test_cached_tokens_by_hand():
    """Cache reads and writes are priced apart; reasoning is part of the output and not charged twice."""
    usage = Usage(input=1_000, output=100, cache_read=10_000, cache_write=2_000, reasoning=50)
    assert TABLE.usd(SONNET, usage) == Decimal("0.003") + Decimal("0.0015") + Decimal("0.003") + Decimal("0.0075")


@REPEATABLE
@given(USAGES, USAGES)
def test_sums(one, other):
    """The cost of summed tokens is the sum of the costs, to the last digit: a run can be priced again from its sums."""
    both = Usage(
        one.input + other.input,
        one.output + other.output,
        one.cache_read + other.cache_read,
        one.cache_write + other.cache_write,
    )
    for model in (HAIKU, SONNET, "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", "gemini-2.5-pro"):
        assert TABLE.usd(model, both) == TABLE.usd(model, one) + TABLE.usd(model, other)


@REPEATABLE
@given(USAGES)
def test_the_formula(usage):
    """USD are tokens × price / 1M, kind by kind, without rounding."""
    price = TABLE.price(SONNET)
    parts = (
        usage.input * price.input,
        usage.output * price.output,
        usage.cache_read * price.cache_read,
        usage.cache_write * price.cache_write,
    )
    assert TABLE.usd(SONNET, usage) * 1_000_000 == sum(parts)


def test_no_price_is_none():
    """An unknown model's cost is unknown, and stays so; so is that of an embedding's impossible output."""
    for _ in range(2):
        assert TABLE.usd("no-such-model", Usage(1, 1)) is None
        assert TABLE.price("no-such-model") is None
    assert TABLE.usd("amazon.titan-embed-text-v2:0", Usage(1_000_000, 0)) == Decimal("0.02")
    assert TABLE.usd("amazon.titan-embed-text-v2:0", Usage(1_000_000, 1)) is None


def test_no_tokens_cost_nothing():
    """A priced model's empty usage is 0 USD, as a Decimal."""
    usd = TABLE.usd(HAIKU, Usage(0, 0))
    assert type(usd) is Decimal
    assert usd == 0


def test_overrides_win():
    """A stated price replaces the published one, key by key; what is left out stays."""
    table = price_table({SONNET: {"output": Decimal(10)}}, at=AT)
    assert table.price(SONNET).output == 10
    assert table.price(SONNET).input == 3
    assert table.price(SONNET).cache_read == Decimal("0.3")
    assert table.price(HAIKU) == TABLE.price(HAIKU)
    assert table.usd(SONNET, Usage(0, 1_000_000)) == 10


def test_overrides_make_a_model_known():
    """A model that nobody lists needs input and output; its cached tokens cost what input does, unless stated."""
    model = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"
    table = price_table({model: {"input": Decimal(2), "output": Decimal("0.5"), "cache_write": Decimal(3)}}, at=AT)
    price = table.price(model)
    assert (price.input, price.output, price.cache_read, price.cache_write) == (2, Decimal("0.5"), 2, 3)
    assert price.source.startswith("scenario")


def test_a_missing_cache_price_follows_a_stated_input_price():
    """Where no cache price is listed, a stated input price holds for cached tokens too."""
    assert price_table({HAIKU: {"input": Decimal(1)}}, at=AT).price(HAIKU).cache_read == 1


def test_stated_whole_has_no_limit():
    """A user's whole price holds for prompts of any length; half of one does not."""
    stated = {"input": Decimal(1), "output": Decimal(2)}
    assert price_table({"gemini-2.5-pro": stated}, at=AT).price("gemini-2.5-pro").up_to_input_tokens is None
    half = price_table({"gemini-2.5-pro": {"input": Decimal(1)}}, at=AT)
    assert half.price("gemini-2.5-pro").up_to_input_tokens == 200_000


def test_decimal_strings():
    """Prices read back from a run's manifest are strings; they are the same prices."""
    assert price_table({HAIKU: {"input": "0.30"}}, at=AT).price(HAIKU).input == Decimal("0.30")


def test_all_faults_at_once():
    """Unknown keys, missing and impossible prices are all named in one error."""
    wrong = {
        "mine": {"input": Decimal(1)},
        HAIKU: {"inputs": Decimal(1)},
        SONNET: {"output": Decimal(-1), "input": Decimal("NaN"), "cache_read": "cheap"},
    }
    with pytest.raises(FmloadError) as caught:
        price_table(wrong, at=AT)
    assert caught.value.code is Exit.INPUT
    for place in (
        "mine.output is missing",
        "inputs is not",
        f"{SONNET}.output is",
        "input is Decimal('NaN')",
        "'cheap'",
    ):
        assert place in caught.value.message


def test_source():
    """The table says which package, which version, how recent, and which prices are the user's own."""
    assert TABLE.source.startswith("genai-prices ")
    assert "2026-" in TABLE.source
    assert HAIKU in price_table({HAIKU: {"input": Decimal(1)}}, at=AT).source


def test_travels():
    """A table can be handed to another process, what it has looked up included."""
    TABLE.usd(HAIKU, Usage(1, 1))
    there = pickle.loads(pickle.dumps(TABLE))  # noqa: S301  # made one line above
    assert there == TABLE
    assert there.usd(HAIKU, Usage(500, 200)) == Decimal("0.000375")


def test_near():
    """A misspelt model finds its neighbours."""
    assert HAIKU in TABLE.near("anthropic.claude-3-haku-20240307-v1:0")
