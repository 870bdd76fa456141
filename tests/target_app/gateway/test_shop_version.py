"""target_app.gateway.shop_version: one version for all who share a cache, also where the cache is away for a while."""

import asyncio

from target_app.gateway.shop_version import ShopVersion
from target_app.stores.errors import StoreError
from target_app.stores.memory_cache import MemoryCache


class Cache(MemoryCache):
    """A cache that may be down."""

    is_up = True

    async def get(self, key):
        self._be_up()
        return await super().get(key)

    async def set(self, key, value, ttl_s):
        self._be_up()
        await super().set(key, value, ttl_s)

    def _be_up(self):
        if not self.is_up:
            raise StoreError("cache", "down")


def test_all_who_share_the_cache_share_the_version():
    """A change that one process makes is every process's."""

    async def run():
        cache = Cache()
        one, other = ShopVersion(cache, 60), ShopVersion(cache, 60)
        seen = [await one.current()]
        for changing in (one, other, one):
            await changing.raise_it()
            assert await one.current() == await other.current()
            seen.append(await one.current())
        return seen

    seen = asyncio.run(run())
    assert seen[0] == ""
    assert len(set(seen)) == 4


def test_a_change_while_the_cache_is_down_is_told_when_it_is_back():
    """This process knows at once; the others do from its next look at the cache on."""

    async def run():
        cache = Cache()
        one, other = ShopVersion(cache, 60), ShopVersion(cache, 60)
        await one.raise_it()
        before = await other.current()
        cache.is_up = False
        await one.raise_it()
        assert await other.current() == before != await one.current()
        cache.is_up = True
        assert await one.current() == await other.current() != before

    asyncio.run(run())


def test_a_version_lasts_as_long_as_an_answer():
    """Afterwards there is none, as there is no answer left from before it."""
    now_s = 0.0

    async def run():
        nonlocal now_s
        version = ShopVersion(MemoryCache(clock=lambda: now_s), 60)
        await version.raise_it()
        now_s = 59.0
        assert await version.current() != ""
        now_s = 61.0
        assert await version.current() == ""

    asyncio.run(run())
