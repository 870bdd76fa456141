"""What retrieval and the answer cache know of the catalogue: read at the start, then kept up to date."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from target_app.embedding.lexical import LexicalEmbedder
from target_app.gateway.cache_rules import Titles
from target_app.retrieval import Retriever
from target_app.stores.errors import StoreError
from target_app.stores.product import Product, ProductStore

#: Products read at a time.
_PAGE: Final = 500
#: How long the start waits for the first attempt: a catalogue embedded by a model goes on in the background.
_START_S: Final = 5.0
#: Between attempts: the first wait, doubled each time up to the longest.
_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0

_log = logging.getLogger("target_app")


class Knowledge:
    """Knows each title's volumes, and sees to it that the retriever does; a store that is down delays it.

    `titles` learns every name. `lexical`, where that is the embedder, weighs by those of the start: later ones would
    change what is already embedded. Another process's changes are known at the next start.

    `caught_up` is called whenever changes have reached the retriever, however late: what was made in between was made
    from the old ones.
    """

    def __init__(
        self,
        products: ProductStore,
        retriever: Retriever,
        titles: Titles,
        lexical: LexicalEmbedder | None = None,
        wait_s: float = _WAIT_S,
        caught_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._caught_up = caught_up
        self._products = products
        self._retriever = retriever
        self._names = titles
        self._lexical = lexical
        self._wait_s = wait_s
        self._volumes: defaultdict[str, dict[str, Product]] = defaultdict(dict)
        self._title_of: dict[str, str] = {}
        self._is_complete = False
        self._changes: dict[str, Product | None] = {}
        self._due: set[str] = set()
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tried = asyncio.Event()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Inside, it is kept up to date, by a task of its own where a store is down or slow."""
        keeping = asyncio.create_task(self._keep())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_START_S):
                    await self._tried.wait()
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def changed(self, product_id: str, product: Product | None) -> None:
        """A product is new, another or gone (None): retrieval knows when this returns, or as soon as it can."""
        self._changes[product_id] = product
        if not self._turn.locked():  # whoever has the turn sees to this one too
            try:
                await self.catch_up()
            except StoreError:
                self._wake.set()

    async def catch_up(self) -> None:
        """Bring the retriever up to date. Raises StoreError; what is left is done the next time."""
        async with self._turn:
            if not self._is_complete:
                await self._begin()
            has_changed = bool(self._changes or self._due)
            while self._changes or self._due:
                self._take_changes()
                title = self._due.pop()
                try:
                    await self._retriever.replace(title, tuple(self._volumes[title].values()))
                except StoreError:
                    self._due.add(title)
                    raise
            if has_changed and self._caught_up is not None:
                await self._caught_up()

    async def _begin(self) -> None:
        """Take in the whole catalogue."""
        found: list[Product] = []
        while page := await self._products.page(found[-1].id if found else None, _PAGE):
            found.extend(page)
        self._volumes.clear()
        self._title_of.clear()
        for product in found:
            self._put(product)
        if self._lexical is not None:
            self._lexical.learn(self._all_names())
        self._names.learn(self._all_names())
        await self._retriever.index(found)
        self._is_complete = True

    def _take_changes(self) -> None:
        """Make the titles due that the changes are about."""
        if not self._changes:
            return
        for key, product in self._changes.items():
            if (title := self._title_of.pop(key, None)) is not None:
                del self._volumes[title][key]
                self._due.add(title)
            if product is not None:
                self._put(product)
                self._due.add(product.title)
        self._changes.clear()
        self._names.learn(self._all_names())

    def _put(self, product: Product) -> None:
        self._volumes[product.title][product.id] = product
        self._title_of[product.id] = product.title

    def _all_names(self) -> set[str]:
        return {name for each in self._volumes.values() for p in each.values() for name in (p.title, p.title_ja)}

    async def _keep(self) -> None:
        wait_s = self._wait_s
        while True:
            try:
                await self.catch_up()
            except StoreError as error:
                _log.warning("retrieval is behind the catalogue, next attempt in %g s: %s", wait_s, error)
                self._tried.set()
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                wait_s = self._wait_s
                self._tried.set()
                await self._wake.wait()
                self._wake.clear()
