"""Flags of `fmload cost` as exact numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Final

from loadtester.errors import Exit, FmloadError

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MOST_CHARS: Final = 40


def amount(flag: str, text: str) -> Decimal:
    """A number that is not negative, such as 20 or $0.5. Raises FmloadError."""
    number = _number(text.removeprefix("$"))
    if number is None or number < 0:
        raise _wrong(flag, text, "a number, such as 20")
    return number


def part(flag: str, text: str, *, is_any: bool = False, is_signed: bool = False) -> Decimal:
    """A share of `25%` or `0.25`, from 0 to 1; `is_any` may be more, `is_signed` less too. Raises FmloadError."""
    bare = text.strip()
    number = _number(bare.removesuffix("%"))
    if number is not None and bare.endswith("%"):
        number /= 100
    if number is None or (number < 0 and not is_signed) or (number > 1 and not (is_any or is_signed)):
        raise _wrong(flag, text, "a share, such as 25% or 0.25")
    return number


def parts(flag: str, texts: Iterable[str]) -> dict[str, Decimal]:
    """Shares by model, of MODEL=PCT. Raises FmloadError, also where a model is named twice."""
    found: dict[str, Decimal] = {}
    for text in texts:
        model, sign, share = text.rpartition("=")
        if not sign or not model or model in found:
            raise _wrong(flag, text, "MODEL=PCT, each model once")
        found[model] = part(flag, share)
    return found


def pair(flag: str, text: str, fix: str) -> tuple[str, str]:
    """Both sides of OLD=NEW; `fix` says how it is written. Raises FmloadError."""
    old, _, new = text.partition("=")
    if not old or not new:
        raise _wrong(flag, text, fix)
    return old, new


def month(flag: str, text: str) -> tuple[int, int]:
    """The year and the month of YYYY-MM. Raises FmloadError."""
    match = _MONTH.fullmatch(text)
    if match is None or match[1] == "0000":
        raise _wrong(flag, text, "a month, such as 2026-12")
    return int(match[1]), int(match[2])


def _number(text: str) -> Decimal | None:
    if len(text) > _MOST_CHARS:
        return None
    try:
        number = Decimal(text.strip().replace("_", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _wrong(flag: str, text: str, fix: str) -> FmloadError:
    return FmloadError(f"{flag}: {text[:_MOST_CHARS]!r} can't be used", remedy=f"write {fix}", code=Exit.USAGE)
