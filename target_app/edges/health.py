"""Health: the process, the model's endpoint, and each store; only the model is needed to answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from target_app.edges.rest import send_json
from target_app.model import Model
from target_app.stores.errors import StoreError

#: How long a dependency may take to prove that it is there.
CHECK_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """The endpoints of health; `stores` are those to check, by name, each by a call that raises StoreError."""

    model: Model
    stores: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    @property
    def routes(self) -> list[Route]:
        """The paths."""
        return [
            Route("/health", _Endpoint(self.whole), methods=["GET"]),
            Route("/health/live", _Endpoint(self.live), methods=["GET"]),
            Route("/health/ready", _Endpoint(self.ready), methods=["GET"]),
        ]

    async def live(self) -> tuple[int, dict[str, Any]]:
        """Whoever answers is alive."""
        return 200, {"status": "ok"}

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """Whether messages can be answered (503 if not), and each dependency with how long it took to see, in ms.

        `degraded` is a service that answers without a store that is down.
        """
        names = ("bedrock", *self.stores)
        checks = (self._bedrock, *self.stores.values())
        found = dict(zip(names, await asyncio.gather(*map(self._seen, checks)), strict=True))
        is_whole = all(each["status"] == "ok" for each in found.values())
        status = 200 if found["bedrock"]["status"] == "ok" else 503
        return status, {"status": "ok" if is_whole else "degraded", "dependencies": found}

    async def whole(self) -> tuple[int, dict[str, Any]]:
        """What `ready` says, with the model's endpoint by itself."""
        status, found = await self.ready()
        return status, {
            "status": found["status"],
            "bedrock": "ok" if status == 200 else "unreachable",  # noqa: PLR2004  the two that ready() gives
            "dependencies": found["dependencies"],
        }

    async def _bedrock(self) -> None:
        if not await self.model.is_reachable():
            raise StoreError("bedrock", "its endpoint takes no connections")

    async def _seen(self, check: Callable[[], Awaitable[None]]) -> dict[str, Any]:
        begun_s = self.clock()
        try:
            async with asyncio.timeout(CHECK_S):
                await check()
        except (StoreError, TimeoutError):
            status = "down"
        else:
            status = "ok"
        return {"status": status, "ms": round((self.clock() - begun_s) * 1e3, 3)}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """The ASGI application of one of them."""

    see: Callable[[], Awaitable[tuple[int, dict[str, Any]]]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send_json(send, *await self.see())
