"""Health: the service, and whether the model's endpoint can be reached."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from target_app.edges.rest import send_json
from target_app.model import Model


@dataclass(frozen=True, slots=True)
class Health:
    """The ASGI application behind GET /health."""

    model: Model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, or 503 with the part that is down."""
        del scope, receive
        if await self.model.is_reachable():
            await send_json(send, 200, {"status": "ok", "bedrock": "ok"})
        else:
            await send_json(send, 503, {"status": "degraded", "bedrock": "unreachable"})
