"""Answers kept for later: found again by the same question, or by one that means the same.

The exact layer looks answers up by place and normalised question; the semantic one, whose namespaces are the places, by
the question's embedding. A place is of one version of the shop: after a change of the catalogue all of them are new.
Follow-up questions are looked up exactly only: nobody else will ever ask at their place.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from target_app.chat import ChatMessage, Usage
from target_app.gateway.asked import Asked, asked, digest_of
from target_app.gateway.cache_rules import NEAR, STRICTEST, THRESHOLDS, Rule, Titles, differs, is_negative, normalised
from target_app.gateway.canned import CANNED
from target_app.gateway.shop_version import ShopVersion
from target_app.model import ModelReply
from target_app.stores.cache import Cache
from target_app.stores.errors import StoreError
from target_app.stores.sessions import Exchange
from target_app.stores.vector import Embedder, Embedding, Entry, Match, VectorStore

#: How an answer ends that said all it had to say.
_COMPLETE: Final = frozenset({"end_turn", "stop_sequence"})
#: Neighbours looked at: the nearest may be out of date, or about something else.
_NEIGHBOURS: Final = 4
#: Embeddings remembered, so that a question that was looked up need not be embedded again to be kept.
_EMBEDDINGS: Final = 1024

_T = TypeVar("_T")

Layer = Literal["exact", "semantic"]


class AnswerCacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each layer is off by default; at most `semantic_entries` of this process's answers stay in the vector store."""

    exact: bool = False
    semantic: bool = False
    ttl_s: Annotated[float, msgspec.Meta(gt=0)] = 3600.0
    semantic_entries: Annotated[int, msgspec.Meta(ge=1)] = 10_000


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer found; it used no tokens, and its `model` is the one that gave it then."""

    reply: ModelReply
    layer: Layer


@dataclass(frozen=True, slots=True)
class AnswerCacheSnapshot:
    """Counts since the start. `lookups` leaves out what a rule refused.

    `near_misses` came close to the threshold; `suspected_false_hits` are neighbours over it that named other numbers
    or titles; `unfit` answers were not kept, being cut, filtered, invalid or canned; `errors` are by store.
    """

    lookups: int
    exact_hits: int
    semantic_hits: int
    near_misses: int
    suspected_false_hits: int
    refused: Mapping[Rule, int]
    stored_exact: int
    stored_semantic: int
    unfit: int
    errors: Mapping[str, int]

    @property
    def hit_rate(self) -> float | None:
        """Hits by lookups, None before the first."""
        return (self.exact_hits + self.semantic_hits) / self.lookups if self.lookups else None


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer in a store; `until_s` is wall time, as stores outlive processes."""

    question: str
    text: str
    model: str
    finish_reason: str
    until_s: float


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(_Kept)


class AnswerCache:
    """Looks answers up and keeps them; a store that fails costs a hit, never an answer. `clock` is wall time."""

    def __init__(
        self,
        settings: AnswerCacheSettings,
        *,
        cache: Cache,
        vectors: VectorStore,
        embedder: Embedder,
        titles: Titles,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._vectors = vectors
        self._embedder = embedder
        self._titles = titles
        self._clock = clock
        self._shop = ShopVersion(cache, settings.ttl_s)
        self._counts: Counter[str] = Counter()
        self._refused: Counter[Rule] = Counter()
        self._errors: Counter[str] = Counter()
        self._added: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._embeddings: OrderedDict[str, Embedding] = OrderedDict()

    async def asked(self, message: ChatMessage, model: str, history: Sequence[Exchange]) -> Asked:
        """What a message asks, of which model, after which exchanges, of the shop as it is now."""
        question = asked(message, model, history, self._titles)
        if question.rule is not None:
            return question
        return replace(question, place=digest_of(await self._shop.current(), question.place))

    async def outdate(self) -> None:
        """The catalogue has changed: no answer that was asked for up to now is found again."""
        await self._shop.raise_it()

    async def find(self, asked: Asked) -> Hit | None:
        """The answer to the same question, or else to one that means the same."""
        if asked.rule is not None:
            self._refused[asked.rule] += 1
            return None
        self._counts["lookups"] += 1
        hit = await self._tried(self._find_exact(asked)) if self._settings.exact else None
        if hit is None and self._is_semantic(asked):
            hit = await self._tried(self._find_semantic(asked))
        return hit

    async def keep(self, asked: Asked, reply: ModelReply, *, is_valid: bool = True) -> None:
        """Keep a fresh answer, if it is fit to be given again."""
        if asked.rule is not None:
            return
        if not is_valid or reply.model == CANNED or reply.finish_reason not in _COMPLETE or not reply.text.strip():
            self._counts["unfit"] += 1
            return
        until_s = self._clock() + self._settings.ttl_s
        kept = _encode(_Kept(asked.question, reply.text, reply.model, reply.finish_reason, until_s))
        if self._settings.exact:
            await self._tried(self._add_exact(asked, kept))
        if self._is_semantic(asked):
            await self._tried(self._add_semantic(asked, kept))

    def snapshot(self) -> AnswerCacheSnapshot:
        """What has happened so far."""
        counts = self._counts
        return AnswerCacheSnapshot(
            lookups=counts["lookups"],
            exact_hits=counts["exact"],
            semantic_hits=counts["semantic"],
            near_misses=counts["near"],
            suspected_false_hits=counts["suspected"],
            refused=MappingProxyType(dict(self._refused)),
            stored_exact=counts["stored exact"],
            stored_semantic=counts["stored semantic"],
            unfit=counts["unfit"],
            errors=MappingProxyType(dict(self._errors)),
        )

    async def _find_exact(self, asked: Asked) -> Hit | None:
        found = await self._cache.get(_key(asked))
        kept = None if found is None else self._decoded(found, "cache")
        return None if kept is None else self._hit(kept, "exact")

    async def _find_semantic(self, asked: Asked) -> Hit | None:
        embedding = await self._embedded(asked)
        return await self._judge(asked, await self._vectors.nearest(asked.place, embedding, _NEIGHBOURS))

    async def _judge(self, asked: Asked, matches: Sequence[Match]) -> Hit | None:
        """The first match that is near enough, still good and about the same; what is out of date is taken away."""
        threshold = THRESHOLDS.get(asked.query_type or "", STRICTEST)
        for match in matches:
            if match.similarity < NEAR:
                return None
            kept = self._decoded(match.payload, "vectors")
            if kept is None or kept.until_s <= self._clock():
                await self._vectors.delete(asked.place, match.id)
                self._added.pop((asked.place, match.id), None)
            elif match.similarity < threshold:
                self._counts["near"] += 1
                return None
            elif differs(asked.question, kept.question, self._titles):
                self._counts["suspected"] += 1
            else:
                return self._hit(kept, "semantic")
        return None

    async def _add_exact(self, asked: Asked, kept: bytes) -> None:
        await self._cache.set(_key(asked), kept, self._settings.ttl_s)
        self._counts["stored exact"] += 1

    async def _add_semantic(self, asked: Asked, kept: bytes) -> None:
        """Put an answer into the vector store; the oldest that this process put there makes room."""
        entry = Entry(digest_of(normalised(asked.question)), await self._embedded(asked), kept)
        await self._vectors.add(asked.place, [entry])
        self._counts["stored semantic"] += 1
        self._added[asked.place, entry.id] = None
        self._added.move_to_end((asked.place, entry.id))
        if len(self._added) > self._settings.semantic_entries:
            (place, oldest_id), _ = self._added.popitem(last=False)
            await self._vectors.delete(place, oldest_id)

    async def _embedded(self, asked: Asked) -> Embedding:
        text = normalised(asked.question)
        embedding = self._embeddings.get(text)
        if embedding is None:
            embedding = self._embeddings[text] = (await self._embedder.embed([text]))[0]
            if len(self._embeddings) > _EMBEDDINGS:
                self._embeddings.popitem(last=False)
        return embedding

    async def _tried(self, work: Awaitable[_T]) -> _T | None:
        """What `work` gives; None, and a count, where a store fails."""
        try:
            return await work
        except StoreError as error:
            self._errors[error.store] += 1
            return None

    def _is_semantic(self, asked: Asked) -> bool:
        return self._settings.semantic and asked.is_global and not is_negative(asked.question)

    def _decoded(self, payload: bytes, store: str) -> _Kept | None:
        """What a store gave back; what can't be read is an error of the store's, and no answer."""
        try:
            return _decoder.decode(payload)
        except msgspec.DecodeError:
            self._errors[store] += 1
            return None

    def _hit(self, kept: _Kept, layer: Layer) -> Hit:
        self._counts[layer] += 1
        return Hit(ModelReply(kept.text, kept.model, kept.finish_reason, Usage(0, 0)), layer)


def _key(asked: Asked) -> str:
    return f"answer:{asked.place}:{digest_of(normalised(asked.question))}"
