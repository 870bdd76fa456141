"""Texts in files that a spreadsheet opens."""

from __future__ import annotations

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def plain_text(text: str) -> str:
    """The text as a cell that no spreadsheet runs: what begins like a formula has an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
