"""A WebSocket through the websockets library: compression, proxies of the environment."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode
from websockets.protocol import State

from loadtester import __version__
from loadtester.drivers.contract import Probe
from loadtester.drivers.http.fault import reason
from loadtester.drivers.wire.close_codes import ABNORMAL, ending_of_close, is_idle_close
from loadtester.drivers.wire.gateway_frames import read_delta, read_end
from loadtester.drivers.ws.address import Address
from loadtester.drivers.ws.connection import CLOSE_LIMIT_S, MESSAGE_LIMIT_BYTES
from loadtester.drivers.ws.dialler import Dialler
from loadtester.drivers.ws.opening import CONNECT_LIMIT_S, Opened, Refusal, refusal, refusal_of_status
from loadtester.model import Ending, Outcome

#: The library logs what goes wrong with a connection; the driver tells it by itself.
_SILENCE: Final = logging.getLogger(__name__)
_SILENCE.setLevel(logging.CRITICAL + 1)
_SILENCE.propagate = False


class _Connect(connect):
    """Follows no redirect, as the fast client does."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class CompatConnection:
    """One open WebSocket; a message is stamped when the library hands it out, one turn of the loop or more late."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._is_unanswered = True
        self._close_code = ABNORMAL
        self._closing: asyncio.Task[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.ensure_future(self._until_gone())

    @property
    def is_open(self) -> bool:
        """Whether it can carry another exchange."""
        return self._closing is None and self._socket.state is State.OPEN

    @property
    def is_idle_race(self) -> bool:
        """Whether the server closed as idle connections are closed, before a byte of the last answer came."""
        return not self.is_open and self._is_unanswered and is_idle_close(self._close_code)

    async def ask(self, request_id: str, message: bytes, probe: Probe) -> Ending:
        """Send one message and wait for the end of its answer. When cancelled, the connection is cut."""
        self._is_unanswered = True
        try:
            probe.sent()
            await self._socket.send(message, text=True)
            return await self._hear(request_id, probe)
        except ConnectionClosed as closed:
            return self._ending_of(closed)
        except ValueError:
            self._hang_up(CloseCode.INVALID_DATA)
            return Ending(Outcome.INVALID, detail="a frame is not the JSON of a chat answer")
        except BaseException:  # cancelled, or a fault of the probe's: the rest of the answer must not meet the next one
            self._socket.transport.abort()
            raise

    def close(self) -> None:
        """Say goodbye and hang up; the server gets `CLOSE_LIMIT_S` for its part."""
        self._hang_up(CloseCode.NORMAL_CLOSURE)

    async def _hear(self, request_id: str, probe: Probe) -> Ending:
        while True:
            message = await self._socket.recv(decode=False)
            self._is_unanswered = False
            delta = read_delta(message)
            if delta.type == "delta":
                if delta.text and delta.request_id in (None, request_id):
                    probe.chunk(len(message), delta.text)
                continue
            end = read_end(message)
            if end is not None and end.request_id in (None, request_id):
                return end.ending

    def _ending_of(self, closed: ConnectionClosed) -> Ending:
        """The server's close code tells; where we closed first, it was for a fault in what it sent."""
        if closed.rcvd is not None and closed.rcvd_then_sent:
            self._close_code = closed.rcvd.code
        elif closed.sent is not None:
            self._is_unanswered = False
            if closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                return Ending(Outcome.INVALID, detail=f"a message is over {MESSAGE_LIMIT_BYTES} bytes")
            return Ending(Outcome.BROKEN, detail="a frame broke the WebSocket protocol")
        return ending_of_close(self._close_code)

    def _hang_up(self, code: CloseCode) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._socket.close(code))

    async def _until_gone(self) -> None:
        await self._socket.wait_closed()
        if self._closing is not None:
            await self._closing


async def open_compat(address: Address, dialler: Dialler, tls: ssl.SSLContext | None) -> Opened | Refusal:  # noqa: ARG001  the library looks names up by itself, behind a proxy not at all
    """Open one connection within `CONNECT_LIMIT_S`; when cancelled, nothing of it stays behind."""
    began_ns = time.perf_counter_ns()
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            socket = await _Connect(
                address.url,
                ssl=tls,
                additional_headers=address.headers,
                user_agent_header=f"fmload/{__version__}",
                open_timeout=None,
                ping_interval=None,
                close_timeout=CLOSE_LIMIT_S,
                max_size=MESSAGE_LIMIT_BYTES,
                max_queue=None,
                logger=_SILENCE,
            )
    except InvalidStatus as error:
        return refusal_of_status(error.response.status_code)
    except InvalidURI:
        return refusal("the URL is not that of a WebSocket")
    except InvalidHandshake as error:
        if isinstance(error.__cause__, EOFError | ConnectionError):
            return refusal("the connection was closed during the upgrade")
        return refusal_of_status(None)
    except OSError as error:
        return refusal(reason(error, CONNECT_LIMIT_S))
    return Opened(CompatConnection(socket), time.perf_counter_ns() - began_ns)
