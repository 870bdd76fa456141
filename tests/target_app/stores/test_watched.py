"""Watched stores: the faults of a plan happen to them, and who is answered knows which failed."""

import asyncio

import pytest

from target_app.faults.draw import Faults
from target_app.faults.plan import parse
from target_app.stores.errors import StoreError
from target_app.stores.memory_cache import MemoryCache
from target_app.stores.watched import noting, watched


def store(*faults):
    plan = Faults(parse({"faults": list(faults)}))
    return watched(MemoryCache(), "cache", plan), plan


def test_without_faults_it_is_the_store():
    """A watched store does what the store does, and nothing is noted."""
    cache, _ = store()

    async def run():
        with noting() as failed:
            await cache.set("k", b"v", 9)
            return await cache.get("k"), cache.size_bytes > 0, failed

    assert asyncio.run(run()) == (b"v", True, set())


def test_a_store_that_is_down_is_noted_and_counted():
    """A fault meant for this store fails each call, is counted each time, and noted once; other stores are spared."""
    cache, plan = store({"kind": "store_down", "stores": ["cache"]})
    other = watched(MemoryCache(), "sessions", plan)

    async def run():
        with noting() as failed:
            for _ in range(2):
                with pytest.raises(StoreError):
                    await cache.get("k")
            await other.get("k")
            return failed

    assert asyncio.run(run()) == {"cache"}
    assert plan.counts() == {"store_down": 2}


def test_a_slow_store_takes_longer(run_virtually):
    """A slow store answers after the delay, and hasn't failed."""
    cache, _ = store({"kind": "slow_store", "delay_s": 3})

    async def run():
        with noting() as failed:
            await cache.get("k")
            return asyncio.get_running_loop().time(), failed

    assert run_virtually(run()) == (3, set())


def test_turns_side_by_side_note_their_own():
    """What fails for one message is not held against another that is answered at the same time."""
    cache, _ = store({"kind": "store_down"})

    async def turn(*, is_asking):
        with noting() as failed:
            await asyncio.sleep(0)
            if is_asking:
                with pytest.raises(StoreError):
                    await cache.get("k")
            await asyncio.sleep(0)
            return failed

    async def run():
        return await asyncio.gather(turn(is_asking=True), turn(is_asking=False))

    assert asyncio.run(run()) == [{"cache"}, set()]


class Fragile(MemoryCache):
    """A cache that may be down, and counts what it is asked."""

    is_up = True
    asked = 0

    async def get(self, key):
        self.asked += 1
        await asyncio.sleep(1)
        if not self.is_up:
            raise StoreError("cache", "gone")
        return await super().get(key)

    async def check(self):
        if not self.is_up:
            raise StoreError("cache", "gone")


async def failing(cache):
    with pytest.raises(StoreError):
        await cache.get("k")


def test_a_store_that_failed_is_left_alone(run_virtually):
    """After a failure one caller tries each two seconds; all others fail at once, and are noted."""
    fragile = Fragile()

    async def run():
        loop = asyncio.get_running_loop()
        cache = watched(fragile, "cache", Faults(parse({})), loop.time)
        fragile.is_up = False
        await failing(cache)
        with noting() as failed:
            for _ in range(5):
                await failing(cache)
        assert (loop.time(), fragile.asked, failed) == (1, 1, {"cache"})
        await asyncio.sleep(2)
        await asyncio.gather(*(failing(cache) for _ in range(5)))
        assert (loop.time(), fragile.asked) == (4, 2)
        fragile.is_up = True
        await asyncio.sleep(2)
        assert [await cache.get("k") for _ in range(3)] == [None] * 3
        assert fragile.asked == 5

    run_virtually(run())


def test_a_check_finds_that_it_is_back(run_virtually):
    """A store's check is never held back, and its success ends the rest."""
    fragile = Fragile()

    async def run():
        cache = watched(fragile, "cache", Faults(parse({})), asyncio.get_running_loop().time)
        fragile.is_up = False
        await failing(cache)
        fragile.is_up = True
        await cache.check()
        assert await cache.get("k") is None

    run_virtually(run())


def test_an_injected_failure_is_no_reason_to_leave_it_alone():
    """Faults by rate keep their rate: what was injected says nothing about the store."""
    plan = Faults(parse({"faults": [{"kind": "store_down", "rate": 0.5}], "seed": 1}))
    cache = watched(MemoryCache(), "cache", plan)

    async def run():
        results = await asyncio.gather(*(cache.get("k") for _ in range(40)), return_exceptions=True)
        return sum(isinstance(result, StoreError) for result in results)

    n_failed = asyncio.run(run())
    assert 0 < n_failed < 40
    assert plan.counts() == {"store_down": n_failed}


def test_a_check_has_no_faults():
    """Whoever looks at the health changes no count: faults are for what the store is used for."""
    cache, plan = store({"kind": "store_down"})
    asyncio.run(cache.check())
    assert plan.counts() == {}
