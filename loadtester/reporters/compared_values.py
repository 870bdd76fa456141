"""Figures of comparisons as text: in units people read, differences with their signs."""

from __future__ import annotations

from typing import Final

from loadtester.analysis.comparison.measures import Unit

_DASH: Final = "-"
_MS: Final = 1e-3
_SMALL_USD: Final = 1.0
_FEW_TOKENS: Final = 1_000.0

Interval = tuple[float, float]


def value(unit: Unit, amount: float | None) -> str:
    """A figure in its unit."""
    return _DASH if amount is None else _shown(unit, amount, "")


def difference(unit: Unit, amount: float | None) -> str:
    """A signed difference; of shares in percentage points."""
    return _DASH if amount is None else _shown(unit, amount, "+")


def relative(amount: float | None, ci95: Interval | None = None) -> str:
    """A signed part of the base, with its interval where there is one."""
    if amount is None:
        return _DASH
    text = f"{amount:+.1%}"
    return text if ci95 is None else f"{text} ({ci95[0]:+.1%} … {ci95[1]:+.1%})"


def between(unit: Unit, ci95: Interval | None) -> str:
    """An interval of a difference."""
    return "" if ci95 is None else f"{difference(unit, ci95[0])} … {difference(unit, ci95[1])}"


def columns(rows: list[list[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Rows as lines, their cells below each other, two spaces apart; columns in `right` end in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _shown(unit: Unit, amount: float, sign: str) -> str:
    if unit == "s":
        return f"{amount:{sign}.2f} s" if abs(amount) >= 1 else f"{amount / _MS:{sign}.{_digits(amount / _MS)}f} ms"
    if unit == "per_s":
        return f"{amount:{sign}.2f}/s"
    if unit == "share":
        return f"{100 * amount:{sign}.2f} pt" if sign else f"{amount:.2%}"
    if unit == "tokens":
        return f"{amount:{sign},.{1 if abs(amount) < _FEW_TOKENS else 0}f}"
    digits = 5 if abs(amount) < _SMALL_USD else 0
    mark = "-" if round(amount, digits) < 0 else sign
    return f"{mark}${abs(amount):,.{digits}f}"


def _digits(amount: float) -> int:
    return 0 if abs(amount) >= 100 else 1  # noqa: PLR2004  three digits are what was measured
