"""TCP connections to one host: its name looked up now and then, its addresses tried one after the other."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

#: How long a name's addresses are used before it is looked up again: load balancers move.
_FRESH_S: Final = 10.0


class Dialler:
    """Connects sockets to `host`:`port`, the caller owns them; keeps the addresses of the last lookup."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._addresses: list[tuple[Any, ...]] = []
        self._stale_at_s = 0.0

    async def dial(self, limit_s: float) -> socket.socket:
        """A connected, non-blocking socket, within `limit_s`. Raises OSError: that of the last address tried."""
        failure = OSError("the name has no address")
        addresses = await self._look_up()
        for address in addresses:
            try:
                async with asyncio.timeout(limit_s / len(addresses)):
                    return await _connect(address)
            except OSError as error:
                failure = error
        self._stale_at_s = 0.0
        try:
            raise failure
        finally:
            del failure  # it holds this frame: a ring, and the garbage collector is off while load runs

    async def _look_up(self) -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._stale_at_s or not self._addresses:
            # Set before the wait: meanwhile others go on with the addresses known so far.
            self._stale_at_s = loop.time() + _FRESH_S
            self._addresses = list(await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        return self._addresses


async def _connect(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, where = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, where)
    except BaseException:  # also when cancelled: nobody else holds the socket yet
        connection.close()
        raise
    return connection
