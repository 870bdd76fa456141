"""The emulator as an application for any ASGI server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from target_app.bedrock.admin import Admin
from target_app.bedrock.log import Log
from target_app.bedrock.runtime import Runtime
from target_app.bedrock.settings import Settings
from target_app.faults.draw import Faults


def create_app(
    settings: Settings, log: TextIO | None, *, quota_clock_ns: Callable[[], int] = time.monotonic_ns
) -> Starlette:
    """Build the application; `log` gets a line a request and stays the caller's to close.

    `quota_clock_ns` is the clock of quotas and prompt caches, in ns. Faults that cut the connection need a server whose
    HTTP is `connection.CuttableProtocol`.
    """
    account, faults = Log(log), Faults(settings.faults)
    runtime = Runtime(settings, account, faults, quota_clock_ns)
    return Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            *Admin(settings, runtime, faults, account).routes,
            Route("/model/{model_id:path}/{operation}", runtime, methods=["POST"]),
        ]
    )


async def _health(request: Request) -> JSONResponse:  # noqa: ARG001  Starlette hands it one
    return JSONResponse({"status": "ok"})
