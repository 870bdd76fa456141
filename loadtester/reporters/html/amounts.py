"""Figures as people read them; what is missing is a dash."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

NOTHING: Final = "–"
_MODEL_NOISE: Final = re.compile(r"(-20\d{6})?(-v\d+(:\d+)?)?$")
_MICROSECOND: Final = 1e-3
_SECOND: Final = 1.0


def seconds(value: float | None) -> str:
    """A duration with three significant digits or so: 340 µs, 12.3 ms, 1.23 s."""
    if value is None:
        return NOTHING
    if value < _MICROSECOND:
        return f"{value * 1e6:.0f} µs"
    if value < _SECOND:
        return f"{value * 1e3:.3g} ms" if value < 0.9995 else "1.00 s"  # noqa: PLR2004  1e+03 ms is no length
    return f"{value:.2f} s" if value < 10 else f"{value:,.1f} s"  # noqa: PLR2004  three digits either way


def count(value: float | None) -> str:
    """A whole number, grouped by thousands."""
    return NOTHING if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """So many a second."""
    return NOTHING if value is None else f"{value:,.1f}"


def percent(value: float | None) -> str:
    """A fraction as a percentage."""
    return NOTHING if value is None else f"{value:.1%}"


def usd(value: Decimal | float | None, digits: int = 2) -> str:
    """US dollars."""
    return NOTHING if value is None else f"${value:,.{digits}f}"


def short(model: str) -> str:
    """`anthropic.claude-3-haiku-20240307-v1:0` as `claude-3-haiku`."""
    return _MODEL_NOISE.sub("", model.rsplit("/", 1)[-1].rsplit("anthropic.", 1)[-1]) or "(no model)"
