"""Figures with their unit, for people: seconds, shares, rates, money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

_FORMS: Final[Mapping[str, Callable[[float], str]]] = {
    "s": lambda value: f"{value:.3f} s",
    "share": lambda value: f"{value:.2%}",
    "per_s": lambda value: f"{value:.2f}/s",
    "usd": lambda value: f"${value:,.5f}" if abs(value) < 1 else f"${value:,.2f}",
    "tokens": lambda value: f"{value:,.0f}",
    "count": lambda value: f"{value:,.0f}",
    "verdict": lambda value: ("invalid", "suspect", "valid")[int(value)],
}


def unit_text(value: float | None, unit: str) -> str:
    """`0.034` of `share` as `3.40%`; a dash for None, the bare number where the unit is not known."""
    if value is None:
        return "–"
    return _FORMS.get(unit, "{:g}".format)(value)
