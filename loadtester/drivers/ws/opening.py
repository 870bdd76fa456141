"""Opening a WebSocket: TCP, TLS, upgrade, bounded in time; refusals are values, not exceptions."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from picows import WSError, WSHandshakeError, ws_connect

from loadtester.drivers.http.fault import reason
from loadtester.drivers.ws.address import Address
from loadtester.drivers.ws.connection import MESSAGE_LIMIT_BYTES, Connection
from loadtester.drivers.ws.dialler import Dialler
from loadtester.drivers.ws.line import Line
from loadtester.model import Ending, Outcome

#: How long TCP, TLS and upgrade together may take, in seconds.
CONNECT_LIMIT_S: Final = 10.0

#: Bytes a connection's read buffer starts with; it doubles whenever it is found nearly full.
_BUFFER_BYTES: Final = 4096

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_OUTCOMES: Final = {429: Outcome.THROTTLED, 503: Outcome.UNAVAILABLE}

#: picows logs each connection, and what it sends with it: nothing for a terminal, nor for a log.
_SILENCE = logging.getLogger(__name__)
_SILENCE.setLevel(logging.CRITICAL + 1)
_SILENCE.propagate = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, and how long it took to open."""

    connection: Line
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no connection; `status` is that of the upgrade's answer, where one came."""

    ending: Ending
    status: int | None = None


async def open_connection(address: Address, dialler: Dialler, tls: ssl.SSLContext | None) -> Opened | Refusal:
    """Open one connection within `CONNECT_LIMIT_S`; when cancelled, nothing of it stays behind."""
    began_ns = time.perf_counter_ns()
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            connection = await _upgrade(address, await dialler.dial(CONNECT_LIMIT_S), tls)
    except WSHandshakeError as error:
        return _refused_upgrade(error)
    except OSError as error:
        return refusal(reason(error, CONNECT_LIMIT_S))
    except WSError:
        return refusal("the URL is not that of a WebSocket")
    if connection is None:
        return refusal("the connection was closed during the upgrade")
    return Opened(connection, time.perf_counter_ns() - began_ns)


async def _upgrade(address: Address, line: socket.socket, tls: ssl.SSLContext | None) -> Connection | None:
    """Upgrade a connected socket; None where the server hangs up before it has answered."""
    try:
        _, connection = await ws_connect(
            lambda _request, _response: Connection(),
            address.url,
            ssl_context=tls,
            websocket_handshake_timeout=None,
            logger_name=_SILENCE,
            max_frame_size=MESSAGE_LIMIT_BYTES,
            extra_headers=address.headers,
            max_redirects=0,
            read_buffer_init_size=_BUFFER_BYTES,
            socket_factory=lambda _url: line,
            # On uvloop, aiofastnet's reader is not called again for a reset that came together with data.
            use_aiofastnet=False,
        )
    except BaseException:
        _hang_up(line)
        raise
    # picows calls that a success without a listener, which its types don't know.
    return connection if isinstance(connection, Connection) else None


def _hang_up(line: socket.socket) -> None:
    """End the connection whose transport owns the socket: it reads the end of the stream, and closes itself."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _refused_upgrade(error: WSHandshakeError) -> Refusal:
    found = _STATUS.match(error.raw_header or b"")
    return refusal_of_status(int(found[1]) if found else None)


def refusal_of_status(status: int | None) -> Refusal:
    """The upgrade was answered with `status`, not as it should be; None is with no HTTP status."""
    if status is None or status < HTTPStatus.OK:
        return refusal("the upgrade was not answered as WebSocket demands")
    fallback = Outcome.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.REFUSED
    return Refusal(
        Ending(_OUTCOMES.get(status, fallback), detail=f"the upgrade was answered with HTTP {status}"), status
    )


def refusal(why: str) -> Refusal:
    """There is no connection, and no answer that tells why."""
    return Refusal(Ending(Outcome.REFUSED, detail=why))
