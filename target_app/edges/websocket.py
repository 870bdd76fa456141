"""WebSocket: many messages over one connection, as behind API Gateway, which routes them by their `action`."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.types import Message, Receive, Scope, Send

from target_app.edges.rest import send_error
from target_app.edges.tokens import Gate
from target_app.errors import ChatError, Code
from target_app.reception import ClientGoneError, OverdueError, Reception

#: Answers one connection may have in flight; more are refused, so that no client can pile up work.
MAX_IN_FLIGHT: Final = 64

#: API Gateway's limits of a connection (its quotas), and the code it closes with at either.
IDLE_S: Final = 600.0
TOTAL_S: Final = 7200.0
_GOING_AWAY: Final = 1001

_MAX_LABEL_CHARS: Final = 64
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatSocket:
    """The ASGI application behind /ws.

    A connection ends `idle_s` after the last frame either way, and `total_s` after it began. One that the
    gate lets nobody in by is refused before the upgrade.
    """

    reception: Reception
    idle_s: float = IDLE_S
    total_s: float = TOTAL_S
    gate: Gate = field(default_factory=Gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end; when the client leaves, what is in flight is cancelled."""
        await receive()
        try:
            user = self.gate.user(scope)
        except ChatError as error:
            await send_error(send, error, "websocket.http.response")
            return
        await send({"type": "websocket.accept"})
        connection = _Connection(self.reception, user, send, self.idle_s, self.total_s)
        try:
            while (event := await connection.next(receive))["type"] == "websocket.receive":
                await connection.take(event)
        except ClientGoneError:
            pass
        finally:
            await connection.cancel()


class _Envelope(msgspec.Struct):
    """What of a message is needed to route it; any JSON object has that much."""

    action: object = None
    request_id: object = None


class _Delta(msgspec.Struct, frozen=True, tag="delta"):
    request_id: str
    text: str


_envelopes = msgspec.json.Decoder(_Envelope)


class _Connection:
    """One client's connection; owns the tasks that answer its messages."""

    def __init__(self, reception: Reception, user: str | None, send: Send, idle_s: float, total_s: float) -> None:
        self._reception = reception
        self._user = user
        self._idle_s = idle_s
        self._now = asyncio.get_running_loop().time
        self._active_at = self._now()
        self._end_at = self._active_at + total_s
        self._send_event = send
        self._id = secrets.token_urlsafe(12)
        self._turns: set[asyncio.Task[None]] = set()

    async def next(self, receive: Receive) -> Message:
        """What the client sends next; past a limit the connection is closed, and that is what comes next."""
        while (until := min(self._active_at + self._idle_s, self._end_at)) > self._now():
            try:
                async with asyncio.timeout_at(until):
                    event = await receive()
            except TimeoutError:
                continue  # in the meantime a piece of an answer may have gone out
            self._active_at = self._now()
            return event
        with suppress(OSError):
            await self._send_event({"type": "websocket.close", "code": _GOING_AWAY})
        return {"type": "websocket.disconnect", "code": _GOING_AWAY}

    async def take(self, event: Message) -> None:
        """Route one message: to its own task, or to API Gateway's refusal."""
        text = event.get("text")
        envelope = None if text is None else _opened(text)
        if text is None or envelope is None:
            await self._refuse("Internal server error")
        elif envelope.action != "chat":
            await self._refuse("Forbidden")
        elif len(self._turns) >= MAX_IN_FLIGHT:
            error = ChatError(Code.BAD_REQUEST, f"{MAX_IN_FLIGHT} requests are in flight on this connection")
            await self._send_error(_label(envelope), error)
        else:
            turn = asyncio.create_task(self._answer(text, _label(envelope)))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    async def cancel(self) -> None:
        """End what is in flight, and wait for it to have ended."""
        turns = list(self._turns)
        for turn in turns:
            turn.cancel()
        if turns:
            await asyncio.wait(turns)

    async def _answer(self, text: str, request_id: str | None) -> None:
        async def deliver(piece: str) -> None:
            await self._send(_Delta(request_id or "", piece))

        # Where the client has gone, the reading side finds out too, and ends the connection.
        with suppress(ClientGoneError):
            try:
                answer = await self._reception.take(text, "ws", deliver, user=self._user)
            except OverdueError:
                await self._refuse("Endpoint request timed out")
            except ChatError as error:
                await self._send_error(request_id, error)
            else:
                await self._send({"type": "done", **answer.done.body()})

    async def _send_error(self, request_id: str | None, error: ChatError) -> None:
        await self._send({"type": "error", "request_id": request_id, "error": error.body()})

    async def _refuse(self, words: str) -> None:
        await self._send({"message": words, "connectionId": self._id, "requestId": secrets.token_urlsafe(12)})

    async def _send(self, content: _Delta | dict[str, Any]) -> None:
        try:
            await self._send_event({"type": "websocket.send", "text": _encoder.encode(content).decode()})
        except OSError as error:
            raise ClientGoneError from error
        self._active_at = self._now()


def _opened(text: str) -> _Envelope | None:
    """The envelope of a message; None where it is no JSON object."""
    try:
        return _envelopes.decode(text)
    except (msgspec.DecodeError, RecursionError):  # the last: nested beyond all sense
        return None


def _label(envelope: _Envelope) -> str | None:
    """The request id as it can be echoed, before the message has been checked."""
    given = envelope.request_id
    return given if isinstance(given, str) and len(given) <= _MAX_LABEL_CHARS else None
