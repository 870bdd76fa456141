"""The request for quota by hand."""

from decimal import Decimal

import pytest

from loadtester.cost import quota_request
from loadtester.cost.bill import NOBODY, Line
from loadtester.cost.overlay import overlay
from loadtester.cost.provisioned import provisioned
from loadtester.errors import FmloadError
from loadtester.recorder import Interval, recording
from loadtester.scenario.mix import HAIKU, SONNET

SONNET_45 = "jp.anthropic.claude-sonnet-4-5-20250929-v1:0"


def test_needs_by_hand():
    """Half of 1,440,000 messages is 500 a minute; tokens are in + written + out × burndown; max_tokens are reserved."""
    tokens = {"input": Decimal(400), "output": Decimal(200), "cache_write": Decimal(100), "cache_read": Decimal(1_000)}
    lines = (Line("a", HAIKU, Decimal("0.5"), **tokens), Line("b", SONNET_45, Decimal("0.5"), **tokens))
    haiku, sonnet = quota_request.needs(lines, 1_440_000, Decimal(2), 1_024)
    assert (haiku.model, haiku.steady_rpm, haiku.peak_rpm) == (HAIKU, 500, 1_000)
    assert (haiku.steady_tpm, haiku.peak_tpm) == (500 * 700, 1_000 * 700)
    assert haiku.peak_reserved_tpm == 1_000 * (1_500 + 1_024)
    assert (sonnet.burndown, sonnet.steady_tpm) == (5, 500 * (500 + 1_000))
    assert (sonnet.tokens_in, sonnet.tokens_out) == (1_500, 200)


def test_without_max_tokens_nothing_is_said_to_be_reserved():
    """What a call reserves is its prompt and max_tokens: not known is not said, and what is charged is."""
    lines = (Line("a", HAIKU, Decimal(1), input=Decimal(400), output=Decimal(200)),)
    facts = {"region": None, "growth": Decimal(0), "messages_per_day": 1_440, "peak": Decimal(1), "evidence": ()}
    for limit, is_said in ((None, False), (512, True)):
        needs = quota_request.needs(lines, 1_440, Decimal(1), limit)
        text = quota_request.markdown(needs, **facts)
        assert ("reserved" in text) is is_said
        assert "each output token counts as 1" in text


def test_throttled_messages_need_quota_too():
    """Of a type's messages that nobody answered the need is that of the others; of a type nobody answered, the mean."""
    tokens = {"input": Decimal(400), "output": Decimal(100)}
    lines = (
        Line("a", HAIKU, Decimal("0.2"), **tokens),
        Line("a", NOBODY, Decimal("0.2")),
        Line("b", SONNET, Decimal("0.4"), **tokens),
        Line("c", NOBODY, Decimal("0.2")),
    )
    haiku, sonnet = quota_request.needs(lines, 1_440_000, Decimal(1), 0)
    # 0.4 and 0.4 with a's own lost ones; c's 0.2 is shared between them: half of 1,000 a minute each.
    assert (haiku.steady_rpm, sonnet.steady_rpm) == (500, 500)


@pytest.mark.parametrize(
    ("model", "burndown"),
    [
        (HAIKU, 1),
        (SONNET, 1),
        ("amazon.nova-lite-v1:0", 1),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", 5),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", 5),
        ("anthropic.claude-opus-4-20250514-v1:0", 5),
        ("global.anthropic.claude-opus-4-6-v1", 1),
    ],
)
def test_burndown(model, burndown):
    """Output tokens count five times for Claude 3.7 to 4.5, once for the others."""
    assert overlay().burndown(model) == burndown


def test_provisioned_by_hand(lines, tariff):
    """$40 an hour for 100,000 tokens a minute: Sonnet needs 210,000 on average, 630,000 at a peak of three."""
    bought = provisioned(
        lines,
        tariff,
        None,
        messages_per_day=1_440_000,
        peak=Decimal(3),
        usd_per_hour=Decimal(40),
        tokens_per_minute=100_000,
    )
    assert (bought.model, bought.units, bought.day_usd) == (SONNET, 7, 7 * 960)
    assert bought.on_demand_day_usd == Decimal("0.3") * 1_440_000 * Decimal("0.0045")
    assert bought.utilisation == Decimal("0.3")
    # A full unit does 144M tokens a day, worth $0.0045 for 700: $925.71, less than its $960.
    assert bought.break_even == pytest.approx(Decimal(960) / (Decimal(144_000_000) / 700 * Decimal("0.0045")))
    assert bought.break_even > 1


@pytest.mark.parametrize("wrong", [{"usd_per_hour": Decimal(0)}, {"peak": Decimal("0.5")}, {"model": "x"}])
def test_provisioned_needs_sense(wrong, lines, tariff):
    """No price, a peak under the mean, and a model without traffic are errors."""
    right = {"model": None, "peak": Decimal(1), "usd_per_hour": Decimal(1), "tokens_per_minute": 1}
    with pytest.raises(FmloadError):
        provisioned(lines, tariff, messages_per_day=1, **(right | wrong))


def test_the_busiest_minute_is_without_the_warm_up():
    """The request speaks of what was measured, not of what went before it."""
    run = recording([Interval(0, sent=90, warm_sent=80), Interval(1, sent=20), Interval(60, sent=25)])
    assert quota_request._busiest(run) == 30
