"""Words that an answer must have, and words that it must not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator


def keyword_faults(answer: str, expected: Iterable[str], forbidden: Iterable[str]) -> Iterator[str]:
    """Each expected word that is missing and each forbidden one that is there; case and width don't matter."""
    text = _folded(answer)
    yield from (f"{word!r} is missing" for word in expected if not _has(text, word))
    yield from (f"{word!r} is forbidden" for word in forbidden if _has(text, word))


def _has(text: str, word: str) -> bool:
    """Whether a word is in a text: a Latin one as a whole word, as "art" isn't in "cart"; Japanese has no gaps."""
    plain = re.escape(_folded(word))
    begin = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", plain) else ""
    end = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", plain) else ""
    return re.search(begin + plain + end, text) is not None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
