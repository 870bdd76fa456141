"""The wiring of MangaAssist: the only place that knows all of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TextIO

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from target_app.edges.health import Health
from target_app.edges.rest import ChatRest
from target_app.edges.sse import ChatSse
from target_app.edges.websocket import ChatSocket
from target_app.endpoint import Endpoint
from target_app.journal import Journal
from target_app.model import Model
from target_app.model_client import POOL_SIZE, BedrockModel
from target_app.orchestrator import Orchestrator
from target_app.reception import Reception
from target_app.stores.sessions import MemorySessions, SessionStore


def create_app(endpoint: Endpoint, log: TextIO | None, *, model_connections: int = POOL_SIZE) -> Starlette:
    """MangaAssist over the Bedrock at `endpoint`; `log` takes a line a chat message, its owner closes it."""
    model = BedrockModel(endpoint, pool_size=model_connections)
    return assemble(model, MemorySessions(), log, resources=model)


def assemble(
    model: Model,
    sessions: SessionStore,
    log: TextIO | None,
    resources: AbstractAsyncContextManager[object] | None = None,
) -> Starlette:
    """MangaAssist from its parts; `resources` are entered when the server starts and left when it ends."""
    reception = Reception(Orchestrator(model, sessions), Journal(log))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        if resources is None:
            yield
        else:
            async with resources:
                yield

    return Starlette(
        routes=[
            WebSocketRoute("/ws", ChatSocket(reception)),
            Route("/v1/chat", ChatRest(reception), methods=["POST"]),
            Route("/v1/chat/stream", ChatSse(reception), methods=["POST"]),
            Route("/health", Health(model), methods=["GET"]),
        ],
        lifespan=lifespan,
    )
