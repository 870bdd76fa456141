"""The emulator's tokenizer: one token for four ASCII characters (the last may be short), one for any other character.

Simple enough to be restated anywhere a count has to agree, and near enough to real ones for English and Japanese.
"""

from __future__ import annotations


def count(text: str) -> int:
    """Tokens of `text`: ceil(ASCII characters / 4) + other characters."""
    n_ascii = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return -(-n_ascii // 4) + len(text) - n_ascii


def prefix(text: str, tokens: int) -> str:
    """Longest beginning of `text` that counts to at most `tokens`; exactly that many where the text has as many."""
    if text.isascii():
        return text[: 4 * tokens]
    n_ascii = n_other = 0
    for index, character in enumerate(text):
        if character.isascii():
            n_ascii += 1
        else:
            n_other += 1
        if -(-n_ascii // 4) + n_other > tokens:
            return text[:index]
    return text
