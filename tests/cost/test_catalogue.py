"""Published prices are found by every name that Bedrock and the vendors give a model, offline, at a given date."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from loadtester.cost.catalogue import is_resold, is_same, listed, near, source

AT = datetime(2026, 11, 21, tzinfo=UTC)
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
ACCOUNT = "arn:aws:bedrock:ap-northeast-1:123456789012"


@pytest.mark.parametrize(
    ("model", "per_input", "per_output"),
    [
        ("anthropic.claude-3-sonnet-20240229-v1:0", "3", "15"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "0.25", "1.25"),
        ("us.anthropic.claude-3-haiku-20240307-v1:0", "0.25", "1.25"),
        ("apac.anthropic.claude-3-sonnet-20240229-v1:0", "3", "15"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", "0.25", "1.25"),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", "0.80", "4"),
        ("amazon.nova-lite-v1:0", "0.06", "0.24"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "0.72", "0.72"),
    ],
)
def test_bedrock(model, per_input, per_output):
    """On Bedrock a model costs the same by id, geographic profile and ARN."""
    price = listed(model, AT)
    assert (price.input, price.output) == (Decimal(per_input), Decimal(per_output))
    assert "AWS Bedrock" in price.source


@pytest.mark.parametrize(
    ("model", "per_input"),
    [
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "3"),
        (f"{ACCOUNT}:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0", "3"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("jp.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("ca.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        (f"{ACCOUNT}:inference-profile/jp.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
    ],
)
def test_regional_surcharge(model, per_input):
    """From Claude 4.5 on, everything but the global profile costs 10 % more, cached tokens too."""
    price = listed(model, AT)
    assert price.input == Decimal(per_input)
    assert price.output == 5 * price.input
    assert price.cache_read == price.input / 10
    assert price.cache_write == price.input * Decimal("1.25")


def test_vendors_own_names():
    """A vendor's own name is priced as the vendor does, not as Bedrock does."""
    assert listed("gpt-4o", AT).input == Decimal("2.5")
    assert listed("claude-sonnet-4-5-20250929", AT).input == 3
    assert "Anthropic" in listed("claude-3-haiku-20240307", AT).source


@pytest.mark.parametrize(
    "model",
    [
        "",
        "no-such-model",
        "claude",
        "anthropic.claude-none-v9:0",
        "global.anthropic.claude-none-v9:0",
        f"{ACCOUNT}:application-inference-profile/abc123",
        f"{ACCOUNT}:provisioned-model/anthropic.claude-3-haiku-20240307-v1:0",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/claude-3-haiku",
        "arn:",
    ],
)
def test_no_price_is_none(model):
    """A model that nobody has priced, or an ARN that hides which model it is, has no price: never 0, never a guess."""
    assert listed(model, AT) is None


def test_cache_price_falls_back_to_input():
    """Where no cache price is listed, cached tokens cost what others do; an embedding has no output price."""
    haiku = listed("anthropic.claude-3-haiku-20240307-v1:0", AT)
    assert haiku.cache_read == haiku.cache_write == haiku.input
    assert listed("amazon.titan-embed-text-v2:0", AT).output is None


def test_long_prompts_are_said_to_cost_more():
    """Where long prompts cost more, the price says up to where it holds."""
    assert listed("gemini-2.5-pro", AT).up_to_input_tokens == 200_000
    assert listed("gpt-4o", AT).up_to_input_tokens is None


def test_dearest_time_of_day():
    """A price that changes with the hour is taken at its dearest, at whatever hour one asks, and says so."""
    prices = {listed("deepseek-chat", AT.replace(hour=hour)) for hour in range(24)}
    assert len(prices) == 1
    assert "dearest" in prices.pop().source


def test_beyond_tokens():
    """A model that also charges by the request is not priced by tokens."""
    assert listed("sonar", AT) is None


def test_dated():
    """A price is the one in force at the date that is asked for; the source names the last change by then."""
    old, new = datetime(2025, 1, 1, tzinfo=UTC), AT
    assert listed("o3", old).input == 10
    assert listed("o3", new).input == 2
    assert re.fullmatch(r"genai-prices [\d.]+ \(last price change in it: 2026-\d\d-\d\d\)", source(new))
    assert re.fullmatch(r"genai-prices [\d.]+", source(datetime(2000, 1, 1, tzinfo=UTC)))


def test_near():
    """A misspelt id finds what was meant."""
    assert "anthropic.claude-3-sonnet-20240229-v1:0" in near("anthropic.claude-3-sonet-20240229-v1:0", AT)
    assert "gpt-4o" in near("GPT4o", AT)
    assert near("@@@@", AT) == ()


@pytest.mark.parametrize(
    "model", ["anthropic.claude-3-hiku", "claude-3-hiku", "jp.anthropic.claude-sonet-4-5", "sonarr"]
)
def test_near_names_can_be_used(model):
    """Each has a price; a name of Bedrock's form gets such names."""
    names = near(model, AT)
    assert all(listed(name, AT) is not None for name in names)
    if "anthropic." in model:
        assert names
        assert all("/" not in name and "." in name for name in names)


@pytest.mark.parametrize(
    ("model", "other", "is_one"),
    [
        (HAIKU, f"jp.{HAIKU}", True),
        (HAIKU, f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", True),
        (HAIKU, "claude-3-haiku", False),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", False),
        (HAIKU, "anthropic.claude-3-sonnet-20240229-v1:0", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("nobody.knows", "nobody.knows", False),
    ],
)
def test_names_of_one_model(model, other, is_one):
    """Profiles that cost alike, and ARNs."""
    assert is_same(model, other, AT) is is_same(other, model, AT) is is_one


def test_one_model_of_two_providers():
    """The vendor's own name and Bedrock's, at each one's price."""
    assert is_resold(HAIKU, "claude-3-haiku")
    assert is_resold("claude-3-haiku", f"us.{HAIKU}")
    assert not is_resold(HAIKU, f"us.{HAIKU}")
    assert not is_resold(HAIKU, "claude-3-opus")
    assert not is_resold("amazon.titan-embed-text-v2:0", "gpt-4o")


def test_the_room_is_light_to_import():
    """`import loadtester.cost` loads neither the catalogue nor an HTTP client."""
    code = "import sys, loadtester.cost; print(*{'genai_prices', 'httpx2', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
