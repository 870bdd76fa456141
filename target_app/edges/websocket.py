"""WebSocket: many messages over one connection, as behind API Gateway, which routes them by their `action`."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.types import Message, Receive, Scope, Send

from target_app.errors import ChatError, Code
from target_app.reception import ClientGoneError, Reception

#: Answers one connection may have in flight; more are refused, so that no client can pile up work.
MAX_IN_FLIGHT: Final = 64

_MAX_LABEL_CHARS: Final = 64
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatSocket:
    """The ASGI application behind /ws."""

    reception: Reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end; when the client leaves, what is in flight is cancelled."""
        del scope
        await receive()
        await send({"type": "websocket.accept"})
        connection = _Connection(self.reception, send)
        try:
            while (event := await receive())["type"] == "websocket.receive":
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

    def __init__(self, reception: Reception, send: Send) -> None:
        self._reception = reception
        self._send_event = send
        self._id = secrets.token_urlsafe(12)
        self._turns: set[asyncio.Task[None]] = set()

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
                answer = await self._reception.take(text, "ws", deliver)
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


def _opened(text: str) -> _Envelope | None:
    """The envelope of a message; None where it is no JSON object."""
    try:
        return _envelopes.decode(text)
    except msgspec.DecodeError:
        return None


def _label(envelope: _Envelope) -> str | None:
    """The request id as it can be echoed, before the message has been checked."""
    given = envelope.request_id
    return given if isinstance(given, str) and len(given) <= _MAX_LABEL_CHARS else None
