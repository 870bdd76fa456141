"""Durations, rates, counts, shares and money are read exactly, and mistakes are told in words."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.scenario import units
from loadtester.scenario.units import UnfitError

POSITIVE = st.floats(min_value=1e-6, max_value=1e8, allow_nan=False, allow_infinity=False)


@given(POSITIVE | st.just(0.0))
def test_durations_come_back(seconds):
    """What is written is what is read, to the last bit."""
    assert units.duration_s(units.duration_text(seconds)) == seconds


@given(POSITIVE)
def test_rates_come_back(per_s):
    """What is written is what is read, to the last bit."""
    assert units.rate_per_s(units.rate_text(per_s)) == per_s


@given(st.integers(0, 10), st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(1, 999))
def test_a_duration_is_the_sum_of_its_parts(days, hours, minutes, seconds, millis):
    """Parts add up, in whole milliseconds and without rounding on the way."""
    total_ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + millis
    assert units.duration_s(f"{days}d{hours}h{minutes}m{seconds}s{millis}ms") == total_ms / 1000


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    """No text makes a parser fail in another way than by saying that it is unfit."""
    for parse in (
        units.duration_s, units.rate_per_s, units.number, units.count, units.share, units.money_usd, units.truth
    ):  # fmt: skip
        with contextlib.suppress(UnfitError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("2m", 120), ("1h30m", 5400), ("500ms", 0.5), ("1d", 86400), ("60", 60), ("1.5h", 5400),
        (" 2m ", 120), ("0s", 0), ("1m500ms", 60.5), ("1e2", 100),
    ],
)  # fmt: skip
def test_durations(text, seconds):
    """The documented spellings."""
    assert units.duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "per_s"), [("5/s", 5), ("300/m", 5), ("10/h", 10 / 3600), ("5", 5), ("0.5/s", 0.5), ("1/m", 1 / 60)]
)
def test_rates(text, per_s):
    """The documented spellings."""
    assert units.rate_per_s(text) == per_s


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.share, "0.25", 0.25), (units.share, "25%", 0.25), (units.share, "1", 1), (units.share, "12.5%", 0.125),
        (units.money_usd, "$0.25", Decimal("0.25")), (units.money_usd, "3", Decimal(3)),
        (units.money_usd, "15.00 USD", Decimal("15.00")),
        (units.count, "1_000_000", 1_000_000), (units.count, "0", 0),
        (units.number, "1e-05", 1e-05), (units.truth, "Yes", True), (units.truth, "off", False),
    ],
)  # fmt: skip
def test_other_units(parse, text, value):
    """The documented spellings, with their exact values."""
    assert parse(text) == value
    assert type(parse(text)) is type(value) or isinstance(value, int)


DURATIONS = "write 90s, 2m, 1h30m or 500ms"
RATES = "write 5/s, 300/m or 10/h"


@pytest.mark.parametrize(
    ("parse", "text", "what", "fix"),
    [
        (units.duration_s, "", "is empty", "write a duration, such as 90s, 2m or 1h30m"),
        (units.duration_s, "-5s", "'-5s' is negative", "write a duration, such as 90s, 2m or 1h30m"),
        (units.duration_s, "90sec", "'90sec' is not a duration", "write 90s"),
        (units.duration_s, "2 min", "'2 min' is not a duration", "write 2m"),
        (units.duration_s, "1hour30minutes", "'1hour30minutes' is not a duration", "write 1h30m"),
        (units.duration_s, "1,5h", "'1,5h' is not a duration", "write 1.5h"),
        (units.duration_s, "200 millis", "'200 millis' is not a duration", "write 200ms"),
        (units.duration_s, "30m1h", "'30m1h' is not a duration", DURATIONS),
        (units.duration_s, "soon", "'soon' is not a duration", DURATIONS),
        (units.duration_s, "inf", "'inf' is not a duration", DURATIONS),
        (units.duration_s, "nan", "'nan' is not a duration", DURATIONS),
        (units.duration_s, "1e999", "'1e999' is not a duration", DURATIONS),
        (units.duration_s, "٣s", "'٣s' is not a duration", DURATIONS),
        (units.duration_s, "9" * 5000, "has 5,000 characters", "write a duration, such as 90s, 2m or 1h30m"),
        (units.rate_per_s, "-5/s", "'-5/s' is negative", "write a rate, such as 5/s, 300/m or 10/h"),
        (units.rate_per_s, "5rps", "'5rps' is not a rate", "write 5/s"),
        (units.rate_per_s, "5 req/s", "'5 req/s' is not a rate", "write 5/s"),
        (units.rate_per_s, "300/min", "'300/min' is not a rate", "write 300/m"),
        (units.rate_per_s, "10 per hour", "'10 per hour' is not a rate", "write 10/h"),
        (units.rate_per_s, "fast", "'fast' is not a rate", RATES),
        (units.rate_per_s, "5/d", "'5/d' is not a rate", RATES),
        (units.count, "1,000", "'1,000' is not a whole number", "write 1000"),
        (units.count, "1.5", "'1.5' is not a whole number", "write digits, such as 100 or 1_000"),
        (units.count, "-1", "'-1' is negative", "write a whole number, such as 100 or 1_000"),
        (units.share, "1.5", "'1.5' is more than the whole", "write a part of 1, such as 0.25, or 25%"),
        (units.share, "150%", "'150%' is more than the whole", "write a part of 1, such as 0.25, or 25%"),
        (units.share, "half", "'half' is not a share", "write 0.25 or 25%"),
        (units.money_usd, "3 EUR", "'3 EUR' is not an amount of USD", "write 0.25 or $3.00"),
        (units.money_usd, "-3", "'-3' is negative", "write an amount of USD, such as 0.25 or $3.00"),
        (units.number, "x", "'x' is not a number", "write digits, such as 0.5 or 20"),
        (units.truth, "maybe", "'maybe' is neither true nor false", "write true or false"),
    ],
)  # fmt: skip
def test_mistakes_are_told_to_the_letter(parse, text, what, fix):
    """Each mistake has its own words, and where it can be told, what was meant."""
    with pytest.raises(UnfitError) as caught:
        parse(text)
    assert (caught.value.what, caught.value.fix) == (what, fix)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (90, "1m30s"), (3600, "1h"), (1.5, "1.5s"), (5400, "1h30m"), (1e-7, "0.0000001s")],
)
def test_durations_as_text(seconds, text):
    """The usual spelling is used."""
    assert units.duration_text(seconds) == text
