"""The emulator's own paths, for whoever tests with it: faults, quotas and counts, on this machine only.

GET and PUT `/_faults`, GET and PUT `/_quota`, GET `/_stats`.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from target_app.bedrock import errors, limits
from target_app.bedrock.credentials import check_credentials
from target_app.bedrock.log import Log
from target_app.bedrock.runtime import Runtime
from target_app.bedrock.settings import Settings
from target_app.faults import plan
from target_app.faults.draw import Faults

_MAX_BODY_BYTES: Final = 1_000_000


class Admin:
    """What of the running emulator can be seen and changed; the state is that of runtime, faults and log."""

    def __init__(self, settings: Settings, runtime: Runtime, faults: Faults, log: Log) -> None:
        self._settings = settings
        self._runtime = runtime
        self._faults = faults
        self._log = log

    @property
    def routes(self) -> list[Route]:
        """The paths."""
        return [
            Route("/_faults", self._guarded(self._see_faults, self._put_faults), methods=["GET", "PUT"]),
            Route("/_quota", self._guarded(self._see_quota, self._put_quota), methods=["GET", "PUT"]),
            Route("/_stats", self._guarded(self._see_stats, None), methods=["GET"]),
        ]

    def _guarded(self, see: Callable[[], Any], put: Callable[[Any], None] | None) -> Callable[[Request], Any]:
        """Make an endpoint that lets in who may, puts what is sent, and shows what is."""

        async def endpoint(request: Request) -> JSONResponse:
            try:
                self._check(request)
                if request.method == "PUT" and put is not None:
                    put(await _sent(request))
            except errors.BedrockError as error:
                return JSONResponse({"message": error.message}, error.status)
            except ValueError as error:  # what a plan or limits are refused with
                return JSONResponse({"message": str(error)}, 400)
            return JSONResponse(see())

        return endpoint

    def _check(self, request: Request) -> None:
        """Raise BedrockError unless the request comes from this machine, with the token or, without one, a key."""
        if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
            raise errors.not_from_here()
        token = self._settings.admin_token
        if token is None:
            check_credentials(request.scope["headers"], self._settings.access_key)
        elif not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
            raise errors.unknown_credentials()

    def _see_faults(self) -> dict[str, Any]:
        return {"plan": msgspec.to_builtins(self._faults.plan), "injected": self._faults.counts()}

    def _put_faults(self, value: Any) -> None:
        given = plan.parse(value)
        if others := given.kinds & plan.STORE:
            raise ValueError(
                f"{', '.join(sorted(others))}: of a store; put what befalls those to the app's /admin/faults"
            )
        self._faults.put(given)

    def _see_quota(self) -> dict[str, Any]:
        fill = {name: lane.quota.fill() for name, lane in self._runtime.lanes.items()}
        settings = self._settings
        return {
            "limits": msgspec.to_builtins(self._runtime.quotas),
            "window": settings.window,
            "slots": settings.slots,
            "fill": fill,
        }

    def _put_quota(self, value: Any) -> None:
        self._runtime.put_quotas(limits.parse(value))

    def _see_stats(self) -> dict[str, Any]:
        models = {
            name: {"decoding": lane.decoding, "waiting": lane.waiting, "slots": self._settings.slots}
            for name, lane in self._runtime.lanes.items()
        }
        return {"requests": self._log.outcomes, "faults": self._faults.counts(), "models": models}


async def _sent(request: Request) -> Any:
    """Read the JSON that is sent; raises ValueError, BedrockError where it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise errors.too_large(_MAX_BODY_BYTES)
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
