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
