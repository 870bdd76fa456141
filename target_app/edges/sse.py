"""Server-sent events: a message in, the answer's text as it comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

from target_app.edges.presence import read_body, while_present
from target_app.edges.rest import send_error
from target_app.edges.tokens import Gate
from target_app.errors import ChatError
from target_app.reception import ClientGoneError, Reception

_HEADERS: Final = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatSse:
    """The ASGI application behind POST /v1/chat/stream."""

    reception: Reception
    gate: Gate = field(default_factory=Gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream one answer; an error is an HTTP status before the first event, and an event after it."""
        events = _Events(send)
        try:
            user = self.gate.user(scope)
            body = await read_body(receive)
            answer = await while_present(receive, self.reception.take(body, "sse", events.delta, user=user))
            await events.send("done", answer.done.body())
            await events.end()
        except ChatError as error:
            if events.has_begun:
                await events.send("error", {"error": error.body()})
                await events.end()
            else:
                await send_error(send, error)
        except ClientGoneError:
            pass


class _Events:
    """One response of events, which begins with the first of them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def delta(self, text: str) -> None:
        await self.send("delta", {"text": text})

    async def send(self, event: str, data: dict[str, Any]) -> None:
        if not self.has_begun:
            self.has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        body = b"event: %b\ndata: %b\n\n" % (event.encode("ascii"), _encoder.encode(data))
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})
