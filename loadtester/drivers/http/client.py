"""The HTTP/1.1 client of the load path: one origin, answers pushed to sinks, no task and one future a request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable

from loadtester.drivers.contract import Probe
from loadtester.drivers.http.connection import Sink
from loadtester.drivers.http.pool import CONNECT_LIMIT_S, Pool


class HttpClient:
    """Sends POSTs to `host`:`port`, verified TLS if `tls` is given; used on one event loop, until `aclose`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        max_connections: int | None = None,
        connect_limit_s: float = CONNECT_LIMIT_S,
    ) -> None:
        self.pool = Pool(host, port, tls=tls, max_connections=max_connections, connect_limit_s=connect_limit_s)

    def post(self, head: bytes, body: bytes, sink: Sink, probe: Probe) -> Awaitable[None]:
        """Send one POST and push its answer into `sink`; returns after `sink.on_end`.

        `head` comes from `post_head`. Raises HttpError where there is no connection or no complete answer; when
        cancelled, the connection is cut. A request that was written is never written again: the target may have
        taken it, and its model may have been paid for it.
        """
        return self.request(b"%b%d\r\n\r\n%b" % (head, len(body), body), sink, probe)

    async def request(self, data: bytes, sink: Sink, probe: Probe, *, is_head_only: bool = False) -> None:
        """Send one request, given as its bytes; otherwise as `post`. `is_head_only` is for HEAD."""
        connection = self.pool.take() or await self.pool.acquire(probe)
        waiter = connection.start(data, sink, probe, is_head_only=is_head_only)
        try:
            await waiter
        except asyncio.CancelledError:
            # Only if it is still ours: a cancelled waiter may have been done, and the connection given away.
            connection.give_up(waiter)
            raise
        finally:
            # What it raised holds this frame: a ring, and the garbage collector is off while load runs.
            del waiter

    async def aclose(self) -> None:
        """Cut every connection; returns once their sockets are closed."""
        await self.pool.aclose()
