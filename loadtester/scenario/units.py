"""Durations, rates, counts, shares and money: from the text people write to a number, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final

from loadtester.scenario.redact import quoted

_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?"

#: The grammars, also as JSON Schema shows them (ECMA 262: no named groups, no \d).
DURATION: Final = (
    rf"^(?=[0-9])(?:({_NUMBER})d)?(?:({_NUMBER})h)?(?:({_NUMBER})m(?!s))?(?:({_NUMBER})s)?(?:({_NUMBER})ms)?$"
)
RATE: Final = rf"^({_NUMBER})/(s|m|h)$"
NUMBER: Final = rf"^{_NUMBER}(?:[eE][+-]?[0-9]{{1,2}})?$"
COUNT: Final = r"^[0-9]+(?:_[0-9]+)*$"
SHARE: Final = rf"^({_NUMBER})%$"
MONEY: Final = rf"^(?:\$ ?)?({_NUMBER})(?: ?USD)?$"

_DURATION: Final = re.compile(DURATION)
_RATE: Final = re.compile(RATE)
_PLAIN: Final = re.compile(NUMBER)
_COUNT: Final = re.compile(COUNT)
_SHARE: Final = re.compile(SHARE)
_MONEY: Final = re.compile(MONEY)

#: No number that means anything is longer; Python refuses to convert thousands of digits.
_MOST_CHARS: Final = 64
_SECONDS: Final = (Decimal(86_400), Decimal(3_600), Decimal(60), Decimal(1), Decimal("0.001"))
_PERIOD_S: Final = {"s": 1, "m": 60, "h": 3_600}
_TRUTHS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

#: Other people's spellings, longest first, and ours.
_SPELLINGS: Final = (
    (r"milliseconds?|millis|msecs?", "ms"),
    (r"seconds?|secs?", "s"),
    (r"minutes?|mins?", "m"),
    (r"hours?|hrs?", "h"),
    (r"days?", "d"),
)


class UnfitError(ValueError):
    """A text that can't be what it should be: `what` is wrong with it, and the `fix`; neither holds a secret."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def duration_s(text: str) -> float:
    """Seconds of `90s`, `2m`, `1h30m`, `1d` or `500ms`; a bare number is seconds. Raises UnfitError."""
    stripped = _positive(text, "a duration", "90s, 2m or 1h30m")
    seconds = _duration_s(stripped)
    if seconds is None:
        raise UnfitError(
            f"{quoted(text)} is not a duration", _instead(stripped, _duration_s, "90s, 2m, 1h30m or 500ms")
        )
    return seconds


def rate_per_s(text: str) -> float:
    """Requests a second of `5/s`, `300/m` or `10/h`; a bare number is per second. Raises UnfitError."""
    stripped = _positive(text, "a rate", "5/s, 300/m or 10/h")
    rate = _rate_per_s(stripped)
    if rate is None:
        raise UnfitError(f"{quoted(text)} is not a rate", _instead(stripped, _rate_per_s, "5/s, 300/m or 10/h"))
    return rate


def number(text: str) -> float:
    """A number that is not negative, such as `0.5`, `20` or `1e3`. Raises UnfitError."""
    stripped = _positive(text, "a number", "0.5 or 20")
    if not _PLAIN.match(stripped):
        raise UnfitError(f"{quoted(text)} is not a number", "write digits, such as 0.5 or 20")
    return float(stripped)


def count(text: str) -> int:
    """A whole number that is not negative, such as `1000` or `1_000`. Raises UnfitError."""
    stripped = _positive(text, "a whole number", "100 or 1_000")
    if not _COUNT.match(stripped):
        bare = stripped.replace(",", "")
        fix = f"write {bare}" if bare != stripped and _COUNT.match(bare) else "write digits, such as 100 or 1_000"
        raise UnfitError(f"{quoted(text)} is not a whole number", fix)
    return int(stripped)


def share(text: str) -> float:
    """A part of the whole, 0 to 1, of `0.25` or `25%`. Raises UnfitError."""
    stripped = _positive(text, "a share", "0.25 or 25%")
    percent = _SHARE.match(stripped)
    if percent is None and not _PLAIN.match(stripped):
        raise UnfitError(f"{quoted(text)} is not a share", "write 0.25 or 25%")
    part = float(Fraction(percent[1]) / 100) if percent else float(stripped)
    if part > 1:
        raise UnfitError(f"{quoted(text)} is more than the whole", "write a part of 1, such as 0.25, or 25%")
    return part


def money_usd(text: str) -> Decimal:
    """US dollars of `3`, `0.25`, `$0.25` or `0.25 USD`, to the last digit. Raises UnfitError."""
    stripped = _positive(text, "an amount of USD", "0.25 or $3.00")
    match = _MONEY.match(stripped)
    if match is None:
        raise UnfitError(f"{quoted(text)} is not an amount of USD", "write 0.25 or $3.00")
    return Decimal(match[1])


def truth(text: str) -> bool:
    """True or False of `true`, `yes`, `on`, `false`, `no`, `off`. Raises UnfitError."""
    known = _TRUTHS.get(text.strip().lower())
    if known is None:
        raise UnfitError(f"{quoted(text)} is neither true nor false", "write true or false")
    return known


def duration_text(seconds: float) -> str:
    """The shortest usual spelling of a duration: `500ms`, `90s` as `1m30s`; `duration_s` reads it back exactly."""
    left = Decimal(repr(seconds))
    if 0 < left < 1 and left * 1000 == int(left * 1000):
        return f"{int(left * 1000)}ms"
    parts = []
    for size, unit in ((3_600, "h"), (60, "m")):
        whole = int(left // size)
        left -= whole * size
        if whole:
            parts.append(f"{whole}{unit}")
    if left or not parts:
        parts.append(f"{_digits(left)}s")
    return "".join(parts)


def rate_text(per_s: float) -> str:
    """A rate per second as text: `5/s`; `rate_per_s` reads it back exactly."""
    return f"{_digits(Decimal(repr(per_s)))}/s"


def _positive(text: str, wanted: str, examples: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise UnfitError("is empty", f"write {wanted}, such as {examples}")
    if len(stripped) > _MOST_CHARS:
        raise UnfitError(f"has {len(stripped):,} characters", f"write {wanted}, such as {examples}")
    if stripped[0] == "-" and stripped[1:2].isdigit():
        raise UnfitError(f"{quoted(text)} is negative", f"write {wanted}, such as {examples}")
    return stripped


def _duration_s(text: str) -> float | None:
    if _PLAIN.match(text):
        return float(text)
    match = _DURATION.match(text)
    if match is None:
        return None
    parts = zip(match.groups(), _SECONDS, strict=True)
    return float(sum(Decimal(part) * size for part, size in parts if part is not None))


def _rate_per_s(text: str) -> float | None:
    if _PLAIN.match(text):
        return float(text)
    match = _RATE.match(text)
    return None if match is None else float(Fraction(match[1]) / _PERIOD_S[match[2]])


def _instead(text: str, parse: Callable[[str], float | None], examples: str) -> str:
    """The text as it would be written here, where it can be told; otherwise examples."""
    ours = text.lower().replace(" ", "").replace(",", ".")
    ours = re.sub(r"(?:requests|reqs?|rps|qps)(?:$|(?=/))", lambda m: "/s" if m[0].endswith("ps") else "", ours)
    ours = ours.replace("per", "/")
    for spelling, unit in _SPELLINGS:
        ours = re.sub(rf"(?<![a-z])(?:{spelling})(?![a-z])", unit, ours)
    if not _PLAIN.match(ours) and parse(ours) is not None:
        return f"write {ours}"
    return f"write {examples}"


def _digits(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
