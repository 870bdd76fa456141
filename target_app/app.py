"""The wiring of MangaAssist: the only place that knows all of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TextIO

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from target_app.config import Config
from target_app.edges.admin import Admin
from target_app.edges.health import Health
from target_app.edges.openapi import OpenApi
from target_app.edges.rest import ChatRest
from target_app.edges.shop import Shop
from target_app.edges.sse import ChatSse
from target_app.edges.tokens import Gate
from target_app.edges.websocket import ChatSocket
from target_app.endpoint import Endpoint
from target_app.errors import STATUS, ChatError, Code
from target_app.gateway.gateway import GatewaySnapshot
from target_app.journal import Journal
from target_app.model import Provider
from target_app.model_client import BedrockModel
from target_app.orchestrator import Orchestrator
from target_app.outfit import Outfit, outfitted
from target_app.pools.limits import LIMITS
from target_app.reception import Reception

_CODES = {status: code for code, status in STATUS.items()}


def create_app(
    endpoint: Endpoint, log: TextIO | None, config: Config | None = None, *, model_connections: int | None = None
) -> Starlette:
    """MangaAssist over the Bedrock at `endpoint`; `log` takes a line a chat message, its owner closes it.

    The stores are opened when the server starts, and closed when it ends.
    """
    limits = LIMITS["bedrock"]
    model = BedrockModel(endpoint, limits=replace(limits, max_size=model_connections or limits.max_size))
    chosen = config or Config()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with model, outfitted(chosen, model) as parts:
            app.router.routes.extend(assemble(model, parts, log, chosen).routes)
            yield

    return Starlette(exception_handlers={HTTPException: _refused}, lifespan=lifespan)


def assemble(model: Provider, parts: Outfit, log: TextIO | None, config: Config | None = None) -> Starlette:
    """MangaAssist from its model and the parts around it, which are open and stay so while it serves."""
    config = config or Config()
    orchestrator = Orchestrator(parts.gateway, parts.sessions, parts=parts.around)
    reception = Reception(orchestrator, Journal(log), limit_s=config.limits.integration_s)
    gate = Gate(config.auth.secret)
    socket = ChatSocket(reception, config.limits.idle_s, config.limits.total_s, gate)
    return Starlette(
        routes=[
            WebSocketRoute("/ws", socket),
            Route("/v1/chat", ChatRest(reception, gate), methods=["POST"]),
            Route("/v1/chat/stream", ChatSse(reception, gate), methods=["POST"]),
            Route("/openapi.json", OpenApi(), methods=["GET"]),
            *Shop(parts.products, parts.carts, parts.changed, gate).routes,
            *Health(model, parts.checks).routes,
            *Admin(config.admin.token, _views(config, parts), parts.faults).routes,
        ],
        exception_handlers={HTTPException: _refused},
    )


def _views(config: Config, parts: Outfit) -> dict[str, Callable[[], Any]]:
    """What /admin shows."""
    gateway, cache = parts.gateway, parts.around.cache
    return {
        "config": config.shown,
        "pools": parts.pools,
        "caches": lambda: None if cache is None else cache.snapshot(),
        "gateway": lambda: _metrics(gateway.snapshot()),
        "breakers": lambda: gateway.snapshot().breakers,
        "quotas": lambda: {"calls": gateway.snapshot().calls, "failed": gateway.snapshot().failed},
    }


def _metrics(seen: GatewaySnapshot) -> dict[str, Any]:
    """What the gateway did, by model; its breakers, calls and failures are parts of their own."""
    counts = {name: getattr(seen, name) for name in ("attempts", "retries", "fallbacks", "answered")}
    return {**counts, "canned": seen.canned}


def _refused(request: Request, error: Exception) -> JSONResponse | Awaitable[JSONResponse]:
    """A path or method that isn't there, in the shape of all errors."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, Code.BAD_REQUEST)
    body = {"error": ChatError(code, error.detail).body()}
    return JSONResponse(body, error.status_code, error.headers)
