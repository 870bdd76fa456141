"""REST: a message in, the whole answer out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from target_app.edges.presence import read_body, while_present
from target_app.edges.tokens import Gate
from target_app.errors import STATUS, ChatError
from target_app.reception import ClientGoneError, Reception

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatRest:
    """The ASGI application behind POST /v1/chat."""

    reception: Reception
    gate: Gate = field(default_factory=Gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing is sent to a client that has gone."""
        try:
            user = self.gate.user(scope)
            body = await read_body(receive)
            answer = await while_present(receive, self.reception.take(body, "rest", user=user))
            timing = {"server-timing": answer.done.timing.header()}
            await send_json(send, 200, {**answer.done.body(), "answer": answer.text}, timing)
        except ChatError as error:
            await send_error(send, error)
        except ClientGoneError:
            pass


async def send_error(send: Send, error: ChatError, kind: str = "http.response") -> None:
    """Answer with the error's status, its JSON, and the model's Retry-After if there was one."""
    extra = {} if error.retry_after is None else {"retry-after": error.retry_after}
    await send_json(send, STATUS[error.code], {"error": error.body()}, extra, kind)


async def send_json(
    send: Send, status: int, content: Any, extra: dict[str, str] | None = None, kind: str = "http.response"
) -> None:
    """Send a whole JSON response; `kind` is how its ASGI events are called."""
    body = _encoder.encode(content)
    headers = {"content-type": "application/json", "content-length": str(len(body)), **(extra or {})}
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": status, "headers": raw})
    await send({"type": f"{kind}.body", "body": body})
