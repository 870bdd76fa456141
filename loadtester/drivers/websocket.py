"""Chat over WebSocket: a connection for each conversation, opened ahead, closed behind."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from loadtester.drivers.contract import Probe
from loadtester.drivers.wire.chat import request_id_of
from loadtester.drivers.wire.gateway_frames import encode_message
from loadtester.drivers.ws.address import Address, parse_address
from loadtester.drivers.ws.dialler import Dialler
from loadtester.drivers.ws.line import Line
from loadtester.drivers.ws.opening import Opened, Refusal, open_connection
from loadtester.drivers.ws.tls import tls_context
from loadtester.errors import Exit, FmloadError
from loadtester.model import Ending, Request


@dataclass(slots=True)
class _Conversation:
    """What one conversation holds: its turns pass `turn` one at a time."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    opening: asyncio.Task[Opened | Refusal] | None = None
    line: Line | None = None


#: How a connection comes about; the caller gets it within a bounded time, or a reason why not.
LineOpener = Callable[[Address, Dialler, ssl.SSLContext | None], Awaitable[Opened | Refusal]]


class WebSocketDriver:
    """Speaks docs/target-api.md at `url`: ws(s) or http(s), /ws where it has no path.

    `headers` go with each upgrade, `ca_file` names certificates to trust besides the system's. Compression is not
    offered: picows has none, nor has API Gateway. A connection's time to open is reported on the first request that
    it carries, whether it was opened for it or ahead of it.
    """

    opens_ahead = True

    def __init__(
        self, url: str, *, headers: Mapping[str, str], ca_file: Path | None, open_line: LineOpener = open_connection
    ) -> None:
        self._address = parse_address(url, headers)
        self._dialler = Dialler(self._address.host, self._address.port)
        self._open_line = open_line
        self._tls = tls_context(ca_file) if self._address.is_secure else None
        self._conversations: defaultdict[str, _Conversation] = defaultdict(_Conversation)
        self._openings: set[asyncio.Task[Opened | Refusal]] = set()
        self._lines: set[Line] = set()

    async def check(self) -> None:
        """Open a connection with the run's headers and close it. Raises FmloadError, code 113, where that fails."""
        opened = await self._open()
        if isinstance(opened, Refusal):
            raise _unreachable(self._address.shown, opened)
        opened.connection.close()
        await opened.connection.gone

    async def prepare(self, request: Request) -> None:
        """Open the conversation's connection; where that fails, its first `send` tells."""
        conversation = self._conversations[request.session]
        if conversation.opening is None and conversation.line is None:
            conversation.opening = opening = asyncio.create_task(self._open())
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
            await asyncio.wait([opening])

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Ask on the conversation's connection, or on a new one where it has none, or one that was closed.

        The message is sent a second time only where a connection that had been idle was closed, as idle connections
        are, before a byte of the answer came.
        """
        conversation = self._conversations[request.session]
        async with conversation.turn:
            line, was_idle = await self._line(conversation, probe)
            ending = await _ask(line, request, probe)
            if was_idle and not isinstance(line, Refusal) and line.is_idle_race:
                ending = await _ask(await self._new_line(conversation, probe), request, probe)
            return ending

    async def finish(self, request: Request) -> None:
        """Close the conversation's connection; that goes on in the background, `aclose` waits for it."""
        conversation = self._conversations.pop(request.session, None)
        if conversation is None:
            return
        opening = conversation.opening
        if opening is not None and not opening.cancel() and isinstance(opened := opening.result(), Opened):
            opened.connection.close()
        if conversation.line is not None:
            conversation.line.close()

    async def aclose(self) -> None:
        """Close every connection and wait until all are gone, `CLOSE_LIMIT_S` at most."""
        self._conversations.clear()
        for opening in self._openings:
            opening.cancel()
        if self._openings:
            await asyncio.wait(self._openings)
        for line in self._lines:
            line.close()
        await asyncio.gather(*(line.gone for line in self._lines))

    async def _line(self, conversation: _Conversation, probe: Probe) -> tuple[Line | Refusal, bool]:
        """The conversation's connection, opened if need be, and whether it had been idle until now."""
        opening, conversation.opening = conversation.opening, None
        if opening is not None:
            was_idle = opening.done()
            line = _keep(conversation, await opening, probe)
            if isinstance(line, Refusal) or line.is_open:
                return line, was_idle
        if conversation.line is not None and conversation.line.is_open:
            return conversation.line, True
        return await self._new_line(conversation, probe), False

    async def _new_line(self, conversation: _Conversation, probe: Probe) -> Line | Refusal:
        return _keep(conversation, await self._open(), probe)

    async def _open(self) -> Opened | Refusal:
        opened = await self._open_line(self._address, self._dialler, self._tls)
        if isinstance(opened, Opened):
            line = opened.connection
            self._lines.add(line)
            line.gone.add_done_callback(lambda _: self._lines.discard(line))
        return opened


def _keep(conversation: _Conversation, opened: Opened | Refusal, probe: Probe) -> Line | Refusal:
    """Put a new connection in its conversation's hands, and its time to open on record."""
    if isinstance(opened, Refusal):
        conversation.line = None
        return opened
    if conversation.line is not None:
        probe.reconnected()
    conversation.line = opened.connection
    probe.connected(opened.duration_ns)
    return opened.connection


async def _ask(line: Line | Refusal, request: Request, probe: Probe) -> Ending:
    if isinstance(line, Refusal):
        return line.ending
    return await line.ask(request_id_of(request), encode_message(request), probe)


def _unreachable(shown_url: str, refusal: Refusal) -> FmloadError:
    if refusal.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return FmloadError(
            f"{shown_url} refused the credentials: {refusal.ending.detail}",
            remedy="check the headers that carry them (-H 'Authorization: …'), and that they have not expired",
            code=Exit.UNREACHABLE,
        )
    return FmloadError(
        f"there is no WebSocket at {shown_url}: {refusal.ending.detail}",
        remedy="check the address and that the service is up; --ca-file names certificates to trust",
        code=Exit.UNREACHABLE,
    )
