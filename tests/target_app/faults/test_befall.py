"""target_app.faults.befall: a store that is slow or down as planned, and every time of it counted."""

from __future__ import annotations

import asyncio
import time

import pytest

from target_app.faults.befall import befall
from target_app.faults.draw import Faults
from target_app.faults.plan import Fault, Kind, Plan
from target_app.stores.errors import StoreError


def test_a_store_that_is_down_is_the_one_named():
    """It raises what a store raises; the others work on."""
    faults = Faults(Plan((Fault(Kind.STORE_DOWN, stores=("cache",)),)))

    async def scene():
        await befall(faults, "sessions")
        with pytest.raises(StoreError, match="cache: down") as down:
            await befall(faults, "cache", "r-1")
        return down.value.store

    assert asyncio.run(scene()) == "cache"
    assert faults.counts() == {"store_down": 1}


def test_a_slow_store_lets_wait():
    """No less than it is to, and then goes on."""
    faults = Faults(Plan((Fault(Kind.SLOW_STORE, delay_s=0.01),)))
    started_s = time.monotonic()
    asyncio.run(befall(faults, "vectors"))
    assert time.monotonic() - started_s >= 0.0099
    assert faults.counts() == {"slow_store": 1}


def test_the_model_s_faults_are_not_the_stores():
    """A throttled model leaves the stores alone."""
    faults = Faults(Plan((Fault(Kind.THROTTLE),)))
    asyncio.run(befall(faults, "products"))
    assert faults.counts() == {}


def test_uses_of_a_store_are_drawn_by_request():
    """With request ids the order of use changes nothing."""

    async def fates(order):
        faults = Faults(Plan((Fault(Kind.STORE_DOWN, 0.5),)))
        found = {}
        for number in order:
            try:
                await befall(faults, "cache", f"r-{number}")
            except StoreError:
                found[number] = True
        return found

    fates_there = asyncio.run(fates(range(100)))
    assert asyncio.run(fates(reversed(range(100)))) == fates_there
    assert 0 < len(fates_there) < 100
