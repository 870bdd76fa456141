"""Which language an answer is in: Japanese, English or both.

Any kana makes a text Japanese, whatever Latin words are in it, unless English is written around it: several words in
lower case. Then Japanese sentences make it mixed, and Japanese names alone leave it English. What is quoted or in
brackets doesn't count: it names things. Languages with neither Latin nor Japanese characters are none; others in Latin
letters pass for English.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

_NAMED: Final = re.compile(
    r"『[^』]{0,200}』|「[^」]{0,200}」|\([^)]{0,200}\)|\"[^\"]{0,200}\"|“[^”]{0,200}”"
    r"|https?://\S+|(?a:(?<![\w.+-])[\w.+-]+@[\w.-]+)"
)
_KANA: Final = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々]")
_LATIN: Final = re.compile(r"[A-Za-z]")
#: Titles are capitalised; so many plain words, with their little ones, are a sentence.
_ENGLISH_WORD: Final = re.compile(r"(?<![A-Za-z'’-])[a-z]{2,}(?![A-Za-z-])")
_SENTENCE_WORDS: Final = 4
#: How Japanese sentences end or go on, in the polite forms of a shop and in plain ones.
_JAPANESE_SENTENCE: Final = re.compile(r"です|ます|ました|ません|でした|ください|でしょう|ございま|[\u3041-\u3096]。")


def language_in(answer: str) -> Literal["ja", "en", "mixed"] | None:
    """The language of an answer; None where it has no words, only numbers or names."""
    text = _NAMED.sub(" ", unicodedata.normalize("NFKC", answer))
    is_english = len(_ENGLISH_WORD.findall(text)) >= _SENTENCE_WORDS
    if _KANA.search(text):
        if not is_english:
            return "ja"
        return "mixed" if _JAPANESE_SENTENCE.search(text) else "en"
    if _LATIN.search(text) and (is_english or not _HAN.search(text)):
        return "en"
    return "ja" if _HAN.search(text) else None


def language_fault(answer: str, expected: Literal["ja", "en", "mixed"]) -> str | None:
    """What is wrong with an answer's language; either language will do where both were expected."""
    found = language_in(answer)
    return None if found is None or expected in {found, "mixed"} else f"{found} where {expected} was expected"
