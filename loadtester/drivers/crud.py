"""Plain HTTP requests beside a driver's own: what an application does without a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from loadtester.drivers.contract import Driver, Probe
from loadtester.drivers.endpoint import chat_endpoint
from loadtester.drivers.http import HttpClient, HttpError
from loadtester.drivers.http.answer import Whole
from loadtester.drivers.http.headers import fields
from loadtester.drivers.ws.tls import tls_context
from loadtester.model import Ending, Outcome, Request
from loadtester.scenario.call import CRUD, read_call

_HTTP: Final = {"ws": "http", "wss": "https"}
_WITH_BODY: Final = frozenset({"PUT", "POST", "PATCH"})


class CrudDriver:
    """Sends requests of kind `crud` to the origin of `url`, and leaves all others to `inner`.

    A 2xx is a good answer, whatever it holds; it has neither chunks nor usage. The connections are its own.
    """

    def __init__(self, inner: Driver, url: str, *, headers: Mapping[str, str], ca_file: Path | None) -> None:
        self._inner = inner
        scheme, _, rest = url.partition("://")
        endpoint = chat_endpoint(f"{_HTTP.get(scheme.lower(), scheme)}://{rest}", headers, "")
        self.opens_ahead = inner.opens_ahead
        self._fields = fields(endpoint.authority, endpoint.headers, accept="application/json")
        self._client = HttpClient(
            endpoint.host, endpoint.port, tls=tls_context(ca_file) if endpoint.is_secure else None
        )

    async def check(self) -> None:
        """As the inner driver: it is the same service. Raises FmloadError, code 113."""
        await self._inner.check()

    async def prepare(self, request: Request) -> None:
        """As the inner driver; a plain request needs nothing."""
        if request.kind != CRUD:
            await self._inner.prepare(request)

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one request, by whoever can."""
        if request.kind != CRUD:
            return await self._inner.send(request, probe)
        call = read_call(request.prompt)
        length = f"content-length: {len(call.body)}\r\n" if call.body or call.method in _WITH_BODY else ""
        trace = "" if request.traceparent is None else f"traceparent: {request.traceparent}\r\n"
        head = f"{call.method} {call.path} HTTP/1.1\r\n{self._fields}{trace}{length}\r\n"
        answer = Whole(_read)
        data = head.encode("latin-1") + call.body
        try:
            await self._client.request(data, answer, probe, is_head_only=call.method == "HEAD")
        except HttpError as error:
            return error.ending()
        return answer.ending

    async def finish(self, request: Request) -> None:
        """As the inner driver."""
        await self._inner.finish(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        await self._inner.aclose()


def _read(body: bytes) -> Ending:  # noqa: ARG001  the signature of all readers of answers
    return Ending(Outcome.OK)
