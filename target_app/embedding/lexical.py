"""Embeds texts by their wording, without a model: hashed character trigrams, the rarer the heavier.

Feature hashing after Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009); term weights
after Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), 6.2 and 6.4.1. Trigrams need no
words, so Japanese works like English; texts that say the same in other words stay far apart.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from target_app.stores.vector import Embedding

DIMENSIONS: Final = 512

_GRAM: Final = 3
#: UTF-32, so that a trigram is a slice of the bytes.
_CHAR_BYTES: Final = 4
#: Trigrams are counted over a catalogue in this many places: enough for a few ten thousand different ones.
_PLACES: Final = 2**16


class LexicalEmbedder:
    """Weighs trigrams by 1 + ln(count) and by their rarity among the texts of `corpus`; all alike without one."""

    def __init__(self, corpus: Iterable[str] = ()) -> None:
        self.learn(corpus)

    def learn(self, corpus: Iterable[str]) -> None:
        """Weigh by these texts from now on; what was embedded before is compared with nothing of afterwards."""
        self._rarity = _rarity(corpus)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text: shape (len(texts), 512), each of length 1."""
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self.vector(text)
        return rows

    def vector(self, text: str) -> Embedding:
        """The embedding of one text: shape (512,), of length 1."""
        counted = Counter(_grams(text))
        grams = np.fromiter(counted.keys(), np.int64, len(counted))
        counts = np.fromiter(counted.values(), np.float64, len(counted))
        weights = (1.0 + np.log(counts)) * self._rarity[grams % _PLACES]
        # The place is taken from other bits than the sign, and than those that the rarity is known by.
        places, signs = (grams >> 16) % DIMENSIONS, (grams >> 30 & 1) * 2 - 1
        vector = np.bincount(places, weights * signs, DIMENSIONS)
        if not (length := float(np.sqrt(vector @ vector))):
            vector[places[0]] = length = 1.0  # trigrams that cancel each other out still need a direction
        return (vector / length).astype(np.float32)

    async def aclose(self) -> None:
        """There is no connection."""


def _grams(text: str) -> list[int]:
    """The hash of each trigram of the text, whose width, case and spaces don't matter; at least one."""
    words = unicodedata.normalize("NFKC", text).casefold().split()
    data = f" {' '.join(words)} ".encode("utf-32-le", "surrogatepass")
    size = _GRAM * _CHAR_BYTES
    crc32 = zlib.crc32
    return [crc32(data[at : at + size]) for at in range(0, max(len(data) - size, 0) + 1, _CHAR_BYTES)]


def _rarity(corpus: Iterable[str]) -> NDArray[np.float64]:
    """The smoothed inverse document frequency, ln((1 + texts) / (1 + texts with it)) + 1, by a trigram's place."""
    frequency = np.zeros(_PLACES)
    n_texts = 0
    for text in corpus:
        frequency[np.unique(np.array(_grams(text)) % _PLACES)] += 1
        n_texts += 1
    rarity: NDArray[np.float64] = np.log((1 + n_texts) / (1 + frequency)) + 1
    return rarity
