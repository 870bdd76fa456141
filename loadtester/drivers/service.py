"""An HTTP target as its drivers see it: something to POST bodies to."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

from loadtester.drivers.contract import Probe
from loadtester.drivers.endpoint import Endpoint
from loadtester.drivers.http import HttpClient, Sink, post_head
from loadtester.drivers.http.headers import with_trace
from loadtester.drivers.preflight import preflight
from loadtester.drivers.ws.tls import tls_context


class Poster(Protocol):
    """An HTTP target, whatever client it is reached by."""

    async def check(self) -> None:
        """Prove that it is there and takes the credentials. Raises FmloadError, code 113."""

    def post(self, body: bytes, sink: Sink, probe: Probe, traceparent: str | None = None) -> Awaitable[None]:
        """Send one body; the sink gets the answer. Raises HttpError."""

    async def aclose(self) -> None:
        """Close every connection."""


class PosterMaker(Protocol):
    """Makes a client of an endpoint; `accept` is the media type that its answers should have."""

    def __call__(self, endpoint: Endpoint, *, ca_file: Path | None, accept: str) -> Poster:
        """The client, with nothing opened yet."""


class Service:
    """Owns the connections to one endpoint; `accept` is the media type that its answers should have."""

    def __init__(self, endpoint: Endpoint, *, ca_file: Path | None, accept: str) -> None:
        self._endpoint = endpoint
        self._tls = tls_context(ca_file) if endpoint.is_secure else None
        self._head = post_head(endpoint.authority, endpoint.path, endpoint.headers, accept=accept)
        self._client = HttpClient(endpoint.host, endpoint.port, tls=self._tls)

    async def check(self) -> None:
        """Prove that it is there and takes the credentials. Raises FmloadError, code 113."""
        await preflight(self._endpoint, self._tls)

    def post(self, body: bytes, sink: Sink, probe: Probe, traceparent: str | None = None) -> Awaitable[None]:
        """Send one body; the sink gets the answer. Raises HttpError."""
        head = self._head if traceparent is None else with_trace(self._head, traceparent)
        return self._client.post(head, body, sink, probe)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
