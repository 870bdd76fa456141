"""The parts around the model that a configuration asks for: opened, watched, filled, and closed again."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from target_app.config import MEMORY, Config
from target_app.embedding.lexical import LexicalEmbedder
from target_app.faults.draw import Faults
from target_app.gateway.answer_cache import AnswerCache
from target_app.gateway.cache_rules import Titles
from target_app.gateway.gateway import Gateway
from target_app.knowledge import Knowledge
from target_app.model import Model, Provider
from target_app.orchestrator import Parts
from target_app.pools.advice import advise
from target_app.retrieval import Retriever
from target_app.stores.cart import CartStore
from target_app.stores.opening import open_cache, open_vectors
from target_app.stores.opening_records import Stores, open_stores
from target_app.stores.product import Product, ProductStore
from target_app.stores.sessions import SessionStore
from target_app.stores.vector import Embedder, VectorStore
from target_app.stores.watched import watched

if TYPE_CHECKING:
    from target_app.embedding.titan import TitanEmbedder


@dataclass(frozen=True, slots=True)
class Outfit:
    """The parts. `opened` are all stores by name, as they are watched; `faults` are those that befall them."""

    model: Model
    gateway: Gateway
    around: Parts
    opened: dict[str, Any]
    faults: Faults
    embedder: LexicalEmbedder | TitanEmbedder
    knowledge: Knowledge | None = None

    @property
    def sessions(self) -> SessionStore:
        """What keeps the conversations."""
        return cast("SessionStore", self.opened["sessions"])

    @property
    def products(self) -> ProductStore:
        """What keeps the catalogue."""
        return cast("ProductStore", self.opened["products"])

    @property
    def carts(self) -> CartStore:
        """What keeps the carts."""
        return cast("CartStore", self.opened["carts"])

    @property
    def changed(self) -> Callable[[str, Product | None], Awaitable[None]]:
        """Whom to tell of a product that was put or deleted."""
        return self._changed

    async def _changed(self, product_id: str, product: Product | None) -> None:
        """First what answers are made from, then their version: none is kept as new that was made from the old.

        Where retrieval is behind, the version is raised again once it has caught up.
        """
        if self.knowledge is not None:
            await self.knowledge.changed(product_id, product)
        if self.around.cache is not None:
            await self.around.cache.outdate()

    @property
    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What proves, by store, that it can be reached."""
        return {name: store.check for name, store in self.opened.items()}

    def pools(self) -> dict[str, Any]:
        """The pool of Bedrock and of each store that has one, what to change about it, and its batches."""
        owners = {"bedrock": self.model, **self.opened, "embedder": self.embedder}
        seen = {name: _pooled(owner) | _batched(owner) for name, owner in owners.items()}
        return {name: parts for name, parts in seen.items() if parts}


def _pooled(owner: Any) -> dict[str, Any]:
    if not hasattr(owner, "pool"):
        return {}
    report = owner.pool()
    return {**asdict(report), "advice": [asdict(each) for each in advise(report)]}


def _batched(owner: Any) -> dict[str, Any]:
    return {"batches": owner.batches().shown()} if hasattr(owner, "batches") else {}


@asynccontextmanager
async def outfitted(config: Config, model: Provider) -> AsyncIterator[Outfit]:
    """The parts for `config`, around `model`, as long as the context lasts.

    Raises StoreError where a store that is to be created or filled can't be; one that is down otherwise degrades.
    """
    urls = config.stores
    stores = await open_stores(urls.sessions, urls.products, urls.carts)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.aclose)
        outfit = fit(config, model, stores)
        for name in ("cache", "vectors"):
            if name in outfit.opened:
                stack.push_async_callback(outfit.opened[name].aclose)
        stack.push_async_callback(outfit.embedder.aclose)
        if outfit.knowledge is not None:
            await stack.enter_async_context(outfit.knowledge.kept())
        yield outfit


def fit(config: Config, model: Provider, stores: Stores) -> Outfit:
    """The parts over stores that are open."""
    faults = Faults(config.faults)
    opened: dict[str, Any] = {
        name: watched(getattr(stores, name), name, faults) for name in ("sessions", "products", "carts")
    }
    if config.retrieval.enabled or config.cache.semantic:
        opened["vectors"] = watched(open_vectors(_url(config.stores.vectors)), "vectors", faults)
    if config.cache.exact or config.cache.semantic:
        opened["cache"] = watched(open_cache(_url(config.stores.cache)), "cache", faults)
    lexical = LexicalEmbedder() if config.retrieval.embedder == "lexical" else None
    embedder = lexical or _titan(model)
    titles = Titles()
    cache = _answer_cache(config, opened, embedder, titles)
    retriever = knowledge = None
    if config.retrieval.enabled:
        similar = config.retrieval.min_similarity
        retriever = Retriever(embedder, opened["vectors"], opened["products"], min_similarity=similar)
        knowledge = Knowledge(
            opened["products"], retriever, titles, lexical, caught_up=None if cache is None else cache.outdate
        )
    around = Parts(
        cache,
        retriever,
        config.retrieval.n_sources,
        config.gateway.routing,
        config.validation,
    )
    # Unseeded: the gateway's jitter is to differ between processes.
    gateway = Gateway(model, config.gateway, rng=random.Random())
    return Outfit(model, gateway, around, opened, faults, embedder, knowledge)


def _answer_cache(config: Config, opened: dict[str, Any], embedder: Embedder, titles: Titles) -> AnswerCache | None:
    if "cache" not in opened:
        return None
    vectors: VectorStore = opened["vectors"] if "vectors" in opened else open_vectors()
    return AnswerCache(config.cache, cache=opened["cache"], vectors=vectors, embedder=embedder, titles=titles)


def _titan(model: Provider) -> TitanEmbedder:
    from target_app.embedding.titan import TitanEmbedder  # noqa: PLC0415  only where it is asked for

    return TitanEmbedder(model.invoke)


def _url(configured: str) -> str | None:
    return None if configured == MEMORY else configured
