"""The connections to one origin: opened when needed, kept while the server keeps them, the last one used first."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Final

from loadtester.drivers.contract import Probe
from loadtester.drivers.http.connection import Connection
from loadtester.drivers.http.fault import refusal
from loadtester.drivers.ws.dialler import Dialler

#: How long name, TCP and TLS together may take, in seconds.
CONNECT_LIMIT_S: Final = 10.0
#: Idle connections are used again within this, in seconds: common servers hang up after five (Node, uvicorn).
IDLE_LIMIT_S: Final = 4.0
#: No server hangs up this soon, in seconds.
_SURE_S: Final = 0.05


class Pool:
    """Owns every connection to `host`:`port`; with `max_connections`, who finds none free waits in line.

    `blocked` counts those that had to wait. `idle` is a dict for its order: taken from the end, removed from anywhere.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        max_connections: int | None = None,
        connect_limit_s: float = CONNECT_LIMIT_S,
    ) -> None:
        self._host = host
        self._dialler = Dialler(host, port)
        self._tls = tls
        self._limit = max_connections
        self._connect_limit_s = connect_limit_s
        self._idle: dict[Connection, None] = {}
        self._all: set[Connection] = set()
        self._opening = 0
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._emptied: asyncio.Future[None] | None = None
        self.blocked = 0

    def __len__(self) -> int:
        """How many connections there are, idle, busy, or on their way in or out."""
        return len(self._all) + self._opening

    @property
    def n_idle(self) -> int:
        """How many connections wait for work."""
        return len(self._idle)

    def take(self) -> Connection | None:
        """The connection that was used last of those that are idle and fit, if any.

        Servers close idle connections just when they are used again, and a request that was written is not sent
        twice. So one that was idle for long is not used, and the kernel is asked about one that was for a while.
        """
        while self._idle:
            connection = self._idle.popitem()[0]
            idle_s = time.monotonic() - connection.idle_since_s
            if idle_s < _SURE_S or (idle_s < IDLE_LIMIT_S and connection.is_fit()):
                return connection
            connection.abort()
        return None

    async def acquire(self, probe: Probe) -> Connection:
        """A connection for one exchange, when none is idle: a new one, within the limit. Raises HttpError."""
        if self._limit is not None and len(self) >= self._limit:
            self.blocked += 1
            handed = await self._wait()
            if handed is not None:
                return handed
            # A slot was kept for us.
            self._opening -= 1
        return await self.open(probe)

    async def open(self, probe: Probe) -> Connection:
        """A new connection, whatever the limit says. Raises HttpError."""
        began_ns = time.perf_counter_ns()
        self._opening += 1
        try:
            async with asyncio.timeout(self._connect_limit_s):
                connection = await self._connect()
        except OSError as error:
            raise refusal(error, self._connect_limit_s) from error
        finally:
            self._opening -= 1
            self._call_next()
        probe.connected(time.perf_counter_ns() - began_ns)
        return connection

    async def aclose(self) -> None:
        """Cut every connection, and wait until their sockets are closed."""
        for connection in list(self._all):
            connection.abort()
        self._idle.clear()
        if self._all:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    def on_idle(self, connection: Connection) -> None:
        """Hand it to the first in line, or keep it."""
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        connection.idle_since_s = time.monotonic()
        self._idle[connection] = None

    def on_gone(self, connection: Connection) -> None:
        """Don't hand it out any more."""
        self._idle.pop(connection, None)

    def on_lost(self, connection: Connection) -> None:
        """Its socket is closed: there is room for another."""
        self._idle.pop(connection, None)
        self._all.discard(connection)
        self._call_next()
        if self._emptied is not None and not self._all and not self._emptied.done():
            self._emptied.set_result(None)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        line = await self._dialler.dial(self._connect_limit_s)
        connection = Connection(loop, self)
        try:
            # ssl_handshake_timeout stays at its minute: the caller's limit is shorter.
            await loop.create_connection(
                lambda: connection,
                sock=line,
                ssl=self._tls,
                server_hostname=self._host if self._tls is not None else None,
            )
        except BaseException:
            connection.abort()
            # Both loops close it themselves, if their transport has it by then.
            line.close()
            raise
        self._all.add(connection)
        return connection

    async def _wait(self) -> Connection | None:
        """A connection that someone gave back, or None: then there is room for one, already counted as opening."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line.append(waiter)
        try:
            handed = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._put_back(waiter.result())
            raise
        if handed is not None and not handed.is_open:
            # It was closed between being handed over and now.
            self._opening += 1
            return None
        return handed

    def _put_back(self, handed: Connection | None) -> None:
        if handed is None:
            self._opening -= 1
            self._call_next()
        elif handed.is_open:
            self.on_idle(handed)

    def _call_next(self) -> None:
        """Let the first in line open a connection, if there is room."""
        while self._line and self._limit is not None and len(self) < self._limit:
            waiter = self._line.popleft()
            if not waiter.done():
                self._opening += 1
                waiter.set_result(None)
