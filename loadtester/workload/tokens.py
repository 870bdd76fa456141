"""How many tokens a text is taken to be, where nobody has counted them."""

from __future__ import annotations

ASCII_CHARS_PER_TOKEN = 4


def estimate(text: str) -> int:
    """Tokens of `text`: ceil(ASCII characters / 4) + one for each other character."""
    n_ascii = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return -(-n_ascii // ASCII_CHARS_PER_TOKEN) + len(text) - n_ascii
