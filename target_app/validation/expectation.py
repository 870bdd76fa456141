"""What an answer is held against."""

from __future__ import annotations

from typing import Literal

import msgspec

from target_app.prompting import language_of
from target_app.stores.product import Product
from target_app.validation.finding import Check
from target_app.validation.length import BOUNDS_CHARS, OTHER_BOUNDS_CHARS

Format = Literal["plain", "markdown", "json"]
Language = Literal["ja", "en", "mixed"]


class ValidationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`checks` are made of every answer (none by default), and with `repair` something is done where one fails.

    `own_contacts` are the shop's addresses and numbers, which an answer may give, as they are written there.
    """

    checks: frozenset[Check] = frozenset()
    repair: bool = False
    own_contacts: tuple[str, ...] = ()


class Expectation(msgspec.Struct, frozen=True):
    """What to expect of one answer; what is None isn't checked.

    `sources` are the products that were retrieved for it; what `question` names itself may be named back.
    """

    question: str
    format: Format | None = None
    expected: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    language: Language | None = None
    system: str | None = None
    own_contacts: tuple[str, ...] = ()
    is_safe: bool = False
    sources: tuple[Product, ...] | None = None
    bounds_chars: tuple[int, int] | None = None


def expectation(
    question: str,
    query_type: str | None,
    system: str | None,
    sources: tuple[Product, ...] | None,
    settings: ValidationSettings,
) -> Expectation:
    """What the settings expect of the answer to a chat message."""
    checks = settings.checks
    return Expectation(
        question=question,
        language=language_of(question) if Check.LANGUAGE in checks else None,
        system=system,
        own_contacts=settings.own_contacts,
        is_safe=Check.SAFETY in checks,
        sources=sources if Check.GROUNDING in checks else None,
        bounds_chars=BOUNDS_CHARS.get(query_type or "", OTHER_BOUNDS_CHARS) if Check.LENGTH in checks else None,
    )
