"""What of the running service can be seen, and the faults that can be put in force; for whoever has the token."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from target_app.edges.presence import read_body
from target_app.edges.rest import send_error, send_json
from target_app.errors import ChatError, Code
from target_app.faults import plan
from target_app.faults.draw import Faults
from target_app.reception import ClientGoneError


class Admin:
    """The endpoints behind /admin; `views` are what can be seen, by name. Without a token, there is no such path."""

    def __init__(self, token: str | None, views: Mapping[str, Callable[[], Any]], faults: Faults) -> None:
        self._token = token
        self._views = {**views, "faults": self._see_faults}
        self._faults = faults

    @property
    def routes(self) -> list[Route]:
        """The paths."""
        return [Route("/admin/{part}", self, methods=["GET", "PUT"])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show one part; PUT of a plan of faults puts it in force first."""
        try:
            await send_json(send, 200, await self._seen(Request(scope, receive)))
        except ChatError as error:
            await send_error(send, error)
        except ClientGoneError:
            pass

    async def _seen(self, request: Request) -> Any:
        self._check(request)
        part = request.path_params["part"]
        if part not in self._views:
            raise ChatError(Code.NOT_FOUND, f"there is {', '.join(sorted(self._views))}")
        if request.method == "PUT":
            if part != "faults":
                raise ChatError(Code.METHOD_NOT_ALLOWED, "only faults can be put")
            self._faults.put(_plan(await read_body(request.receive)))
        return msgspec.to_builtins(self._views[part](), str_keys=True, enc_hook=_plain)

    def _see_faults(self) -> dict[str, Any]:
        return {"plan": self._faults.plan, "injected": self._faults.counts(), "messages": self._faults.messages()}

    def _check(self, request: Request) -> None:
        if self._token is None:
            raise ChatError(Code.NOT_FOUND, "there is nothing here")
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise ChatError(Code.UNAUTHORIZED, "the admin token is wanted, as Authorization: Bearer")


def _plan(body: bytes) -> plan.Plan:
    try:
        given = plan.parse(msgspec.json.decode(body))
    except (ValueError, RecursionError) as error:  # msgspec's errors, and a plan's, are ValueErrors
        raise ChatError(Code.BAD_REQUEST, str(error)) from error
    if others := given.kinds - plan.STORE:
        words = f"{', '.join(sorted(others))}: not of a store; put what befalls the model to the emulator's /_faults"
        raise ChatError(Code.BAD_REQUEST, words)
    return given


def _plain(value: object) -> Any:
    """What msgspec doesn't know: mappings that can't be written to."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError
