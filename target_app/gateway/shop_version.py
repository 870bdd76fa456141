"""Which catalogue an answer was made from: the shop has another version after each product put or deleted."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Final

from target_app.stores.cache import Cache
from target_app.stores.errors import StoreError

_KEY: Final = "shop-version"


class ShopVersion:
    """The version, kept in `cache`: all processes that share one share it.

    It is a random name and no number, so that two processes that raise it at once don't meet at the same one. It is
    kept for `ttl_s`, the time of the answers: what is older than the last version is over by then. While the cache is
    down, this process goes by what it knows, and says it when the cache is back.
    """

    def __init__(self, cache: Cache, ttl_s: float) -> None:
        self._cache = cache
        self._ttl_s = ttl_s
        self._known = ""
        self._untold: str | None = None

    async def current(self) -> str:
        """The version now; empty before the first change. Never raises StoreError."""
        try:
            if self._untold is None:
                found = await self._cache.get(_KEY)
                if self._untold is None:  # else it was raised in the meantime
                    self._known = "" if found is None else found.decode("ascii", "replace")
            else:
                await self._tell(self._untold)
        except StoreError:
            pass
        return self._known

    async def raise_it(self) -> None:
        """A product has changed: answers up to now are not to be found again. Never raises StoreError."""
        self._known = self._untold = secrets.token_hex(8)
        with suppress(StoreError):
            await self._tell(self._untold)

    async def _tell(self, version: str) -> None:
        await self._cache.set(_KEY, version.encode("ascii"), self._ttl_s)
        if self._untold == version:
            self._untold = None
