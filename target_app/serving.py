"""One server process: its socket, the ready line on stdout, and its end by signal or lifeline."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from target_app import lifeline

#: How long open answers may take to finish when the process is to end, before they are cut off.
_DRAIN_S: Final = 0.5
#: Longer than any client of ours keeps an idle connection, so that it is the client who closes it.
_KEEP_ALIVE_S: Final = 600
_BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket, which the caller owns; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    has_lifeline: bool,
    websocket: Any = "none",
    http: Any = "httptools",
    **limits: Any,
) -> None:
    """Serve `app` on `listener` until SIGINT, SIGTERM or, with a lifeline, the end of file of stdin.

    `websocket` and `http` are uvicorn's `ws` and `http`, and `limits` more of its settings. Once the app is ready, one
    JSON line on stdout says where: {"ready": true, "url": …, "pid": …}.
    """
    config = uvicorn.Config(
        app,
        loop="auto",
        http=http,
        ws=websocket,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="on",
        interface="asgi3",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,  # type: ignore[arg-type]  # asyncio takes parts of a second
        backlog=_BACKLOG,
        **limits,
    )
    server = _Server(config)
    if has_lifeline:
        lifeline.hold(sys.stdin.fileno(), server.end)
    # Streams that are cut off at the end are meant to be, and no reason for tracebacks.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that says when it is ready, and for which a signal is a reason to end, not to have failed."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            # What start-up made lasts as long as the process: the collector need never look at it again.
            gc.collect()
            gc.freeze()
            sys.stdout.write(json.dumps({"ready": True, "url": _url(sockets[0]), "pid": os.getpid()}) + "\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.end)
        yield

    def end(self) -> None:
        """Begin to end; from any thread."""
        self.should_exit = True


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
