"""An HTTP target through httpx: the environment's proxies, HTTP/2 where `h2` is installed (`fmload[http2]`)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx

from loadtester.drivers.contract import Probe
from loadtester.drivers.endpoint import Endpoint
from loadtester.drivers.http.connection import Sink
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.http.headers import sendable
from loadtester.drivers.http.pool import CONNECT_LIMIT_S
from loadtester.drivers.preflight import preflight, why
from loadtester.drivers.ws.tls import tls_context
from loadtester.model import Outcome

_HAS_HTTP2: Final = find_spec("h2") is not None
_CONNECTING: Final = ("connection.connect_tcp.started", "connection.connect_unix_socket.started")
_SENDING: Final = ("http11.send_request_headers.started", "http2.send_request_headers.started")
_NO_CONNECTION: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class CompatService:
    """Does what `drivers.service.Service` does, by one httpx client without limits.

    Its pool looks at all connections for each request, so it slows down with their number: some hundreds are its
    reasonable most. A chunk's moment is when httpx hands it out, one turn of the event loop or more behind the socket.
    """

    def __init__(self, endpoint: Endpoint, *, ca_file: Path | None, accept: str) -> None:
        self._endpoint = endpoint
        self._tls = tls_context(ca_file)
        self._headers = {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}
        self._headers.update((name.lower(), value) for name, value in sendable(endpoint.headers).items())
        self._url = f"{endpoint.shown}{endpoint.path}"
        self._client = httpx.AsyncClient(
            verify=self._tls,
            http2=_HAS_HTTP2,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(None, connect=CONNECT_LIMIT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=None),
        )

    async def check(self) -> None:
        """Prove that it is there and takes the credentials. Raises FmloadError, code 113."""
        await preflight(self._endpoint, self._tls, uses_proxies=True)

    async def post(self, body: bytes, sink: Sink, probe: Probe, traceparent: str | None = None) -> None:
        """Send one body; the sink gets the answer. Raises HttpError."""
        extensions = {"trace": _tracer(probe)}
        headers = self._headers if traceparent is None else {**self._headers, "traceparent": traceparent}
        try:
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers, extensions=extensions
            ) as answer:
                sink.on_head(answer.status_code, dict(answer.headers.raw))
                async for piece in answer.aiter_bytes():
                    sink.on_body(piece)
        except _NO_CONNECTION as error:
            raise HttpError(Outcome.REFUSED, why(error, CONNECT_LIMIT_S)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HttpError(Outcome.BROKEN, f"the exchange broke off: {type(error).__name__}") from error
        sink.on_end()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def _tracer(probe: Probe) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Hears from httpx's transport when a connection was opened, and when the request goes out."""
    began_ns = 0
    is_connecting = False

    async def trace(name: str, _: dict[str, Any]) -> None:
        nonlocal began_ns, is_connecting
        if name in _CONNECTING:
            began_ns, is_connecting = time.perf_counter_ns(), True
        elif name in _SENDING:
            if is_connecting:
                probe.connected(time.perf_counter_ns() - began_ns)
                is_connecting = False
            probe.sent()

    return trace
