"""What an answer must not give away: personal data, and the system prompt. Postal addresses are not looked for.

Nothing found is repeated in what is returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

#: So many characters in a row are no coincidence.
LEAK_CHARS: Final = 40

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE | re.ASCII)
#: A domestic number has ten digits, eleven for mobile, IP and some free ones; written apart or in one.
_PHONE: Final = re.compile(
    r"(?<![\d-])(?:\+81[ -]?(?:\(0\))?[1-9]\d{0,3}|\(?0\d{1,4}\)?)[ -]?\d{1,4}[ -]?\d{3,4}(?![\d-])"
)
_PHONE_DIGITS: Final = {10, 11}
#: Card numbers in use: 14 to 19 digits, from 2 (Mastercard's second range) to 6; ISBN and JAN have 13 and end before.
_CARD: Final = re.compile(r"(?<![\d-])[2-6]\d{3}(?:[ -]?\d){10,15}(?![\d-])")
_SOURCES: Final = re.compile(r"<sources>.*?</sources>", re.DOTALL)


def personal_data(text: str, allowed: Iterable[str] = ()) -> tuple[str, ...]:
    """The kinds of personal data in a text; `allowed` are the shop's own addresses and numbers, as written."""
    plain = re.sub("[‐‑–—−ー](?=\\d)", "-", unicodedata.normalize("NFKC", text))
    for own in allowed:
        plain = plain.replace(own, " ")
    kinds = (
        ("an e-mail address", bool(_EMAIL.search(plain))),
        ("a telephone number", any(_is_phone(match[0]) for match in _PHONE.finditer(plain))),
        ("a card number", any(_is_card(match[0]) for match in _CARD.finditer(plain))),
    )
    return tuple(name for name, is_found in kinds if is_found)


def leaks(text: str, system: str) -> bool:
    """Whether an answer repeats LEAK_CHARS characters of the system prompt; its `<sources>` may be repeated."""
    secret = _grams(_SOURCES.sub(" ", system))
    plain = _plain(text)
    return any(plain[at : at + LEAK_CHARS] in secret for at in range(len(plain) - LEAK_CHARS + 1))


@lru_cache(maxsize=16)
def _grams(system: str) -> frozenset[str]:
    plain = _plain(system)
    return frozenset(plain[at : at + LEAK_CHARS] for at in range(len(plain) - LEAK_CHARS + 1))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_phone(number: str) -> bool:
    digits = re.sub(r"\D", "", number.replace("(0)", "").replace("+81", "0"))
    return len(digits) in _PHONE_DIGITS


def _is_card(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1 (Luhn): from the right, every second digit doubled, digits added up."""
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
