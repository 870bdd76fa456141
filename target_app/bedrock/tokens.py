"""The emulator's tokenizer: one token for four ASCII characters (the last may be short), one for any other character.

Simple enough to be restated anywhere a count has to agree, and near enough to real ones for English and Japanese.
"""

from __future__ import annotations

import re

_RUN = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
#: ASCII characters of a token, and so quarters of one in any other character.
QUARTERS = 4


def count(text: str) -> int:
    """Tokens of `text`: ceil(ASCII characters / 4) + other characters."""
    return -(-quarters(text) // QUARTERS)


def quarters(text: str) -> int:
    """Weight of `text` in quarters of a token, which adds up over texts put together: count is its ceiling."""
    n_ascii = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return n_ascii + (len(text) - n_ascii) * QUARTERS


def prefix(text: str, tokens: int) -> str:
    """Longest beginning of `text` that counts to at most `tokens`; exactly that many where the text has as many."""
    if text.isascii():
        return text[: QUARTERS * tokens]
    found = ends(text)
    return text[: found[min(tokens, len(found) - 1)]]


def ends(text: str) -> list[int]:
    """Length of the longest beginning that counts to 0, 1, 2, … tokens, up to all of them: shape (tokens + 1,)."""
    found = [0]
    room = 0  # ASCII characters that the last ASCII token still takes, though others may stand between
    for run in _RUN.finditer(text):
        start, end = run.span()
        if not text[start].isascii():
            found.extend(range(start + 1, end + 1))
            continue
        start = min(start + room, end)
        room -= start - run.start()
        if start > run.start():
            found[-1] = start
        if start < end:
            found.extend(range(start + QUARTERS, end, QUARTERS))
            found.append(end)
            room = (start - end) % QUARTERS
    return found
