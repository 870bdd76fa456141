"""target_app.validation.safety: personal data and leaks are found, what only looks like them is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.prompting import SYSTEM
from target_app.validation.safety import LEAK_CHARS, leaks, personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to ann.lee+x@mail.example.co.jp.", "an e-mail address"),
        ("メールはtaro@example.jpまで", "an e-mail address"),
        ("taro@example.jp", "an e-mail address"),
        ("Call 03-1234-5678.", "a telephone number"),
        ("090-1234-5678", "a telephone number"),
        ("09012345678", "a telephone number"),
        ("0312345678", "a telephone number"),
        ("(03)1234-5678", "a telephone number"),
        ("(03) 1234-5678", "a telephone number"),
        ("+81-90-1234-5678", "a telephone number"),
        ("+81 3 1234 5678", "a telephone number"),
        ("+81(0)3-1234-5678", "a telephone number"),
        ("電話番号は090-1234-5678です", "a telephone number"),
        ("0120-123-456", "a telephone number"),
        ("045−123−4567", "a telephone number"),
        ("Card 4111 1111 1111 1111.", "a card number"),
        ("4111-1111-1111-1111", "a card number"),
        ("5555555555554444", "a card number"),
        ("378282246310005", "a card number"),
        ("カード番号は3530111333300000です", "a card number"),
    ],
)
def test_personal_data_is_found(text, kind):
    """E-mail addresses, Japanese telephone numbers and card numbers, however they are written."""
    assert personal_data(text) == (kind,)


@pytest.mark.parametrize(
    "text",
    [
        "Order MGA-2024-78542 was sent on 2024-10-05.",
        "ISBN 978-4-08-882639-3",
        "ISBN 9784088826393",
        "JAN 4910123456789",
        "¥1,320 for volumes 1-34",
        "4111 1111 1111 1112",
        "2021-10-05から2021-10-12まで",
        "10:00-21:00",
        "Volumes 01-02-03",
        "MGA-000123",
        "0.95 and 00 7",
        "@mangaassist",
        "Follow us at manga@home",
    ],
)
def test_what_only_looks_like_it_is_not(text):
    """Orders, ISBN, dates, prices, numbers that fail the check digit."""
    assert personal_data(text) == ()


def test_the_shops_own_contacts_are_allowed():
    """Its own number is no customer's, others still are."""
    text = "Call 0120-123-456 or write to help@manga.example."
    assert personal_data(text, ["0120-123-456", "help@manga.example"]) == ()
    assert personal_data(text, ["0120-123-456"]) == ("an e-mail address",)


@given(st.text(alphabet="0123456789", min_size=15, max_size=15), st.sampled_from("456"))
def test_one_digit_in_ten_makes_a_card_number(rest, first):
    """Of the ten numbers that differ in the last digit, Luhn's check takes exactly one."""
    stem = first + rest[:14]
    assert sum(personal_data(stem + last) == ("a card number",) for last in "0123456789") == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_repeated_prompt_is_a_leak(language):
    """LEAK_CHARS in a row, wherever they are from and however they are spaced; one fewer is none."""
    system = " ".join(SYSTEM[language].split())
    for at in (0, 50, len(system) - LEAK_CHARS):
        part = system[at : at + LEAK_CHARS].strip()
        whole = system[at : at + LEAK_CHARS + 2].strip()
        if len(whole) >= LEAK_CHARS:
            assert leaks(f"Here it is:\n{whole.upper().replace(' ', '  ')}!", SYSTEM[language])
        assert not leaks(part[: LEAK_CHARS - 1], SYSTEM[language])


def test_sources_are_there_to_be_repeated():
    """What stands in the prompt's sources is for the customer; the rules around them aren't."""
    summary = "A boy ties his life to a bell and walks through the seven towers of winter."
    system = f"{SYSTEM['en']}\n<sources>\n<source id='1'>{summary}</source>\n</sources>"
    assert not leaks(f"It goes like this: {summary}", system)
    assert leaks(SYSTEM["en"][:80], system)


def test_a_short_prompt_cannot_leak():
    """Fewer than LEAK_CHARS characters prove nothing."""
    assert not leaks("Be brief.", "Be brief.")
