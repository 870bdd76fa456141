"""Prompts of an exact length, for requests that replay a trace of token counts."""

from __future__ import annotations

from functools import cache
from typing import Final

from loadtester.scenario.scenario import QueryType
from loadtester.workload.draw import bits
from loadtester.workload.question import Language
from loadtester.workload.tokens import ASCII_CHARS_PER_TOKEN
from loadtester.workload.voices import known, voices

#: How often each built-in question is asked to make the corpus: some 37,000 characters in English, 22,000 in Japanese.
_ROUNDS: Final = 4


def bare(language: Language, n_tokens: int, drawn: int) -> str:
    """A text of exactly `n_tokens` by `estimate`, at least one, cut out of built-in questions where `drawn` says.

    English has four ASCII characters a token, Japanese one character that isn't ASCII.
    """
    corpus = _corpus(language)
    n_chars = max(1, n_tokens) * (ASCII_CHARS_PER_TOKEN if language == "en" else 1)
    start = drawn % len(corpus)
    text = corpus[start : start + n_chars]
    if len(text) < n_chars:
        text += corpus * (n_chars // len(corpus) + 1)
    return text[:n_chars]


@cache
def _corpus(language: Language) -> str:
    texts = []
    for name in known():
        both = voices(QueryType(name, share=1.0, model=""), key=0)
        for i, question in enumerate((both.english if language == "en" else both.japanese).questions):
            texts += [question.ask(bits(i, n)) for n in range(_ROUNDS)]
    return "".join(char for char in " ".join(texts) if char.isascii() == (language == "en"))
