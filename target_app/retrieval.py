"""What of the catalogue a question is about: the volumes that an answer may speak of."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from target_app.stores.product import Product, ProductStore
from target_app.stores.vector import Embedder, Entry, Match, VectorStore

_NAMESPACE: Final = "titles"
#: What each entry of a title says of it.
_KINDS: Final = ("en", "ja", "about")
#: A title has up to three entries, and of the nearest titles the one that the question names comes first.
_CANDIDATES: Final = 8
#: Titles embedded and stored at a time.
_CHUNK: Final = 100
#: Of a question only its beginning is embedded: a whole book would hold up everybody else.
_LONGEST_CHARS: Final = 1000

_VOLUME: Final = re.compile(r"(?:\bvol(?:umes?|s|\.)?\s*|第\s*)(\d{1,4})\b|(\d{1,4})\s*巻", re.ASCII | re.IGNORECASE)
_NEWEST: Final = re.compile(r"\b(?:latest|newest|most recent)\b|最新|新刊", re.IGNORECASE)


class _Title(msgspec.Struct, frozen=True):
    """What is kept with an entry: a manga's names, and its volumes' numbers and ids in order."""

    title: str
    title_ja: str
    volumes: list[tuple[int, str]]


_TITLE: Final = msgspec.json.Decoder(_Title)


class Retriever:
    """Finds products by a question in any words, as far as the embedder understands them.

    Of what lies nearer than `min_similarity`, those titles come first that the question names. The default is for
    LexicalEmbedder: over 2,020 titles the one asked about was nearer than 0.25 in 99 of 100 questions, and a question
    about an order no nearer than 0.19 to any. Everything raises StoreError where a store or the embedder fails.
    """

    def __init__(
        self, embedder: Embedder, vectors: VectorStore, products: ProductStore, *, min_similarity: float = 0.2
    ) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._products = products
        self._min_similarity = min_similarity

    async def index(self, products: Iterable[Product]) -> None:
        """Make titles known; `products` has all volumes of each. What was known of them is replaced."""
        titles: defaultdict[str, list[Product]] = defaultdict(list)
        for product in products:
            titles[product.title].append(product)
        await self._add([described for volumes in titles.values() for described in _described(volumes)])

    async def replace(self, title: str, volumes: Sequence[Product]) -> None:
        """Make `volumes` all that is known of a title; without any, it is forgotten."""
        described = _described(volumes) if volumes else []
        for key in {f"{kind}:{title}" for kind in _KINDS} - {key for key, _, _ in described}:
            await self._vectors.delete(_NAMESPACE, key)
        await self._add(described)

    async def _add(self, texts: Sequence[tuple[str, str, bytes]]) -> None:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            rows = await self._embedder.embed([text for _, text, _ in chunk])
            entries = [Entry(key, row, payload) for (key, _, payload), row in zip(chunk, rows, strict=True)]
            await self._vectors.add(_NAMESPACE, entries)

    async def retrieve(self, question: str, limit: int = 5) -> tuple[Product, ...]:
        """The best volumes of the nearest titles, at most `limit`.

        One volume of each title, the nearest first, then second ones; of a title the volume that the question numbers,
        or the newest where it asks for that, then the first and the newest. What is no longer sold is left out.
        """
        question = question[:_LONGEST_CHARS]
        (embedding,) = await self._embedder.embed([question])
        matches = await self._vectors.nearest(_NAMESPACE, embedding, limit * _CANDIDATES)
        titles = _ranked(question, [match for match in matches if match.similarity >= self._min_similarity])
        chosen = [_best_volumes(question, title) for title in titles]
        ids = [
            volumes[turn]
            for turn in range(max(map(len, chosen), default=0))
            for volumes in chosen
            if turn < len(volumes)
        ]
        found = await asyncio.gather(*map(self._products.get, ids[:limit]))
        return tuple(product for product in found if product is not None)


def _described(volumes: Sequence[Product]) -> list[tuple[str, str, bytes]]:
    """The entries of one title: its name in each language, and what it is about, so that none dilutes another."""
    first = min(volumes, key=lambda product: product.volume)
    numbered = sorted((product.volume, product.id) for product in volumes)
    payload = msgspec.json.encode(_Title(first.title, first.title_ja, numbered))
    about = f"{first.title} {first.author} {first.genre} {first.summary}"
    texts = zip(_KINDS, (first.title, first.title_ja, about), strict=True)
    return [(f"{kind}:{first.title}", text, payload) for kind, text in texts if text]


def _ranked(question: str, matches: Sequence[Match]) -> list[_Title]:
    """Each title once: those the question names, the longest name first, then by similarity."""
    asked = _plain(question)
    decoded = [_TITLE.decode(match.payload) for match in matches]
    titles = {title.title: title for title in decoded}  # in the order of each title's nearest entry
    named = {
        key: max(
            (len(name) for name in map(_plain, (title.title, title.title_ja)) if name and name in asked), default=0
        )
        for key, title in titles.items()
    }
    return sorted(titles.values(), key=lambda title: -named[title.title])


def _best_volumes(question: str, title: _Title) -> list[str]:
    """The ids of up to three volumes of a title, the one that the question most likely means first."""
    ids = dict(title.volumes)
    first, newest = title.volumes[0][0], title.volumes[-1][0]
    numbers = [int(one or other) for one, other in _VOLUME.findall(_plain(question))]
    ends = [newest, first] if _NEWEST.search(question) else [first, newest]
    return [ids[number] for number in dict.fromkeys([*numbers, *ends]) if number in ids]


def _plain(text: str) -> str:
    """Text whose width and case don't matter."""
    return unicodedata.normalize("NFKC", text).casefold()
