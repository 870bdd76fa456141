"""A bounded pool of connections of any kind: first come first served, kept warm, aired and checked."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

from target_app.pools.limits import PoolLimits
from target_app.pools.places import CheckoutTimeoutError, Places

C = TypeVar("C")


class Pool(Generic[C]):
    """At most `limits.max_size` connections; whoever finds none free waits in line, `limits.checkout_s` at most.

    Owns the connections, and from the first lease on a task that keeps `limits.min_size` of them open, closes those
    that were idle for `limits.idle_s`, and checks the others each `limits.health_check_s`. `connect` may take
    `limits.connect_s` and `check` `limits.read_s`. A connection whose user failed, or was cancelled in the middle of an
    exchange, is closed: nobody else is to read the rest of it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[C]],
        *,
        close: Callable[[C], Awaitable[None]],
        check: Callable[[C], Awaitable[object]],
        limits: PoolLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._close = close
        self._check = check
        self._limits = limits
        self._clock = clock
        self._places = Places(limits, clock, are_kept_warm=True)
        self._idle: deque[tuple[C, float]] = deque()  # each with since when; the one used last is on the right
        self._upkeep: asyncio.Task[None] | None = None
        self._is_closed = False
        self.meter = self._places.meter

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[C]:
        """A connection. Raises CheckoutTimeoutError, and TimeoutError or whatever connecting fails with."""
        if self._is_closed:
            raise CheckoutTimeoutError("the pool is closed")
        if self._upkeep is None:
            self._upkeep = asyncio.create_task(self._keep_up())
        asked_s = self._clock()
        await self._places.take()
        try:
            connection = self._idle.pop()[0] if self._idle else await self._open()
            with self.meter.leased(self._clock() - asked_s):
                try:
                    yield connection
                except BaseException:
                    await self._discard(connection)
                    raise
                await self._put_back(connection)
        finally:
            self._places.line.release()

    async def maintain(self) -> None:
        """One round of upkeep: close what was idle too long, check the rest, open what is missing to the minimum.

        A server that can't be reached leaves fewer connections, and the next round tries again.
        """
        oldest_s = self._clock() - self._limits.idle_s
        for _ in range(len(self._idle)):
            if not self._idle or self._places.line.locked():
                return  # all are in use: there is nothing to air, and nobody should wait for a check
            async with self._places.line:
                connection, since_s = self._idle.popleft()
                if since_s <= oldest_s or not await self._is_healthy(connection):
                    await self._discard(connection)
                else:
                    self._idle.append((connection, since_s))
        with suppress(Exception):
            while self.meter.size < self._limits.min_size and not self._is_closed:
                async with self._places.line:
                    self._idle.appendleft((await self._open(), self._clock()))

    async def drop_idle(self) -> None:
        """Close every idle connection: one was found dead, so the server was away and the others are dead too."""
        while self._idle:
            await self._discard(self._idle.pop()[0])

    async def aclose(self) -> None:
        """Close what is idle now, and what is leased when it comes back."""
        self._is_closed = True
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.wait([self._upkeep])
        await self.drop_idle()

    async def _open(self) -> C:
        self.meter.size += 1  # from now on, so that upkeep doesn't open another one for it
        try:
            async with asyncio.timeout(self._limits.connect_s):
                return await self._connect()
        except BaseException:
            self.meter.size -= 1
            raise

    async def _put_back(self, connection: C) -> None:
        if self._is_closed:
            await self._discard(connection)
        else:
            self._idle.append((connection, self._clock()))

    async def _discard(self, connection: C) -> None:
        self.meter.size -= 1
        with suppress(Exception):  # it is given up either way
            await self._close(connection)

    async def _is_healthy(self, connection: C) -> bool:
        try:
            async with asyncio.timeout(self._limits.read_s):
                await self._check(connection)
        except Exception:  # noqa: BLE001 - whatever the check raised, the connection is not to be used
            return False
        return True

    async def _keep_up(self) -> None:
        while True:
            await self.maintain()
            await asyncio.sleep(self._limits.health_check_s)
