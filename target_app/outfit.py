"""The parts around the model that a configuration asks for: opened, watched, filled, and closed again."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from target_app.config import MEMORY, Config
from target_app.embedding.lexical import LexicalEmbedder
from target_app.faults.draw import Faults
from target_app.gateway.answer_cache import AnswerCache
from target_app.gateway.cache_rules import Titles
from target_app.gateway.gateway import Gateway
from target_app.model import Model
from target_app.orchestrator import Parts
from target_app.pools.advice import advise
from target_app.retrieval import Retriever
from target_app.stores.cart import CartStore
from target_app.stores.errors import StoreError
from target_app.stores.opening import open_cache, open_vectors
from target_app.stores.opening_records import Stores, open_stores
from target_app.stores.product import Product, ProductStore
from target_app.stores.sessions import SessionStore
from target_app.stores.vector import Embedder, VectorStore
from target_app.stores.watched import watched

#: Products read at a time when retrieval gets to know them.
_PAGE = 500

_log = logging.getLogger("target_app")


@dataclass(frozen=True, slots=True)
class Outfit:
    """The parts. `opened` are all stores by name, as they are watched; `faults` are those that befall them."""

    gateway: Gateway
    sessions: SessionStore
    products: ProductStore
    carts: CartStore
    around: Parts
    opened: dict[str, Any]
    faults: Faults

    @property
    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What proves, by store, that it can be reached."""
        return {name: store.check for name, store in self.opened.items()}

    def pools(self) -> dict[str, Any]:
        """The pool of each store that has one, and what to change about it."""
        reports = {name: store.pool() for name, store in self.opened.items() if hasattr(store, "pool")}
        return {
            name: {**asdict(report), "advice": [asdict(each) for each in advise(report)]}
            for name, report in reports.items()
        }


@asynccontextmanager
async def outfitted(config: Config, model: Model) -> AsyncIterator[Outfit]:
    """The parts for `config`, around `model`, as long as the context lasts.

    Raises StoreError where a store that is to be created or filled can't be; one that is down otherwise degrades.
    """
    urls = config.stores
    stores = await open_stores(urls.sessions, urls.products, urls.carts)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.aclose)
        catalogue = await _everything(stores.products) if config.retrieval.enabled else ()
        outfit = fit(config, model, stores, catalogue)
        for name in ("cache", "vectors"):
            if name in outfit.opened:
                stack.push_async_callback(outfit.opened[name].aclose)
        if isinstance(outfit.around.retrieval, Retriever):
            try:
                await outfit.around.retrieval.index(catalogue)
            except StoreError as error:
                _log.warning("retrieval knows no products: %s", error)
        yield outfit


def fit(config: Config, model: Model, stores: Stores, catalogue: Sequence[Product] = ()) -> Outfit:
    """The parts over stores that are open; `catalogue` is what retrieval and the caches know the titles of."""
    faults = Faults(config.faults)
    opened: dict[str, Any] = {
        name: watched(getattr(stores, name), name, faults) for name in ("sessions", "products", "carts")
    }
    if config.retrieval.enabled or config.cache.semantic:
        opened["vectors"] = watched(open_vectors(_url(config.stores.vectors)), "vectors", faults)
    if config.cache.exact or config.cache.semantic:
        opened["cache"] = watched(open_cache(_url(config.stores.cache)), "cache", faults)
    embedder = LexicalEmbedder(name for product in catalogue for name in (product.title, product.title_ja))
    around = Parts(
        _answer_cache(config, opened, embedder, catalogue),
        _retriever(config, opened, embedder),
        config.retrieval.n_sources,
        config.gateway.routing,
        config.validation,
    )
    # Unseeded: the gateway's jitter is to differ between processes.
    gateway = Gateway(model, config.gateway, rng=random.Random())
    return Outfit(gateway, opened["sessions"], opened["products"], opened["carts"], around, opened, faults)


def _answer_cache(
    config: Config, opened: dict[str, Any], embedder: Embedder, catalogue: Sequence[Product]
) -> AnswerCache | None:
    if "cache" not in opened:
        return None
    vectors: VectorStore = opened["vectors"] if "vectors" in opened else open_vectors()
    titles = Titles({name for product in catalogue for name in (product.title, product.title_ja)})
    return AnswerCache(config.cache, cache=opened["cache"], vectors=vectors, embedder=embedder, titles=titles)


def _retriever(config: Config, opened: dict[str, Any], embedder: Embedder) -> Retriever | None:
    if not config.retrieval.enabled:
        return None
    return Retriever(embedder, opened["vectors"], opened["products"], min_similarity=config.retrieval.min_similarity)


async def _everything(products: ProductStore) -> tuple[Product, ...]:
    """All products; none, and a warning, where their store is down."""
    found: list[Product] = []
    try:
        while page := await products.page(found[-1].id if found else None, _PAGE):
            found.extend(page)
    except StoreError as error:
        _log.warning("the catalogue can't be read: %s", error)
        return ()
    return tuple(found)


def _url(configured: str) -> str | None:
    return None if configured == MEMORY else configured
