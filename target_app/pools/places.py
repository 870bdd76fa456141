"""The places in a pool: so many at a time, first come first served, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from target_app.pools.limits import PoolLimits
from target_app.pools.meter import PoolMeter


class CheckoutTimeoutError(Exception):
    """No connection of the pool came free in time."""


class Places:
    """At most `limits.max_size` at a time; who finds none free waits in line, `limits.checkout_s` at most.

    By itself it stands before a client that keeps its connections itself (aiobotocore's, httpx's): each `lease` is one
    call that needs a connection. Whoever keeps `limits.min_size` open says so. `line` is the semaphore whose
    waiters they are, in their order.
    """

    def __init__(
        self, limits: PoolLimits, clock: Callable[[], float] = time.monotonic, *, are_kept_warm: bool = False
    ) -> None:
        self._limits = limits
        self._clock = clock
        self.line = asyncio.Semaphore(limits.max_size)
        self.meter = PoolMeter(limits.max_size, clock, min_size=limits.min_size if are_kept_warm else None)

    async def take(self) -> None:
        """Wait for a place, which `line.release` gives back. Raises CheckoutTimeoutError."""
        try:
            async with asyncio.timeout(self._limits.checkout_s):
                await self.line.acquire()
        except TimeoutError:
            self.meter.timed_out()
            words = f"all {self._limits.max_size} connections were busy for {self._limits.checkout_s:g} s"
            raise CheckoutTimeoutError(words) from None

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        """A place inside the `async with`. Raises CheckoutTimeoutError."""
        asked_s = self._clock()
        await self.take()
        try:
            with self.meter.leased(self._clock() - asked_s):
                yield
        finally:
            self.line.release()
