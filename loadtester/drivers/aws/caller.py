"""Whoever calls Bedrock: connections, a head for each request, and credentials that don't run out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtester import __version__
from loadtester.drivers.aws.sigv4 import Signer
from loadtester.drivers.contract import Probe
from loadtester.drivers.http import HttpClient, Sink
from loadtester.drivers.http.headers import with_trace
from loadtester.drivers.ws.tls import tls_context

if TYPE_CHECKING:
    from loadtester.drivers.aws.access import Access, Keys

#: How often credentials that expire are looked at. The SDK fetches others from a quarter of an hour ahead.
REFRESH_S: Final = 20.0

_JSON: Final = "application/json"


class Caller:
    """Sends signed POSTs to one endpoint; used on one event loop, until `aclose`.

    `now_s` is the wall clock, which signatures need. Owns the connections, the signer and the task that looks after it.
    """

    def __init__(
        self, access: Access, keys: Keys | None, ca_file: Path | None, *, now_s: Callable[[], float] = time.time
    ) -> None:
        self._access = access
        self._now_s = now_s
        self._second = -1
        self._date = ""
        self._starts: dict[str, str] = {}
        self._keys = keys
        self._signer = _signer(access, keys)
        self._bearer = f"authorization: {access.bearer}\r\ncontent-length: "
        tls = tls_context(ca_file or access.ca_bundle) if access.is_secure else None
        self._client = HttpClient(access.host, access.port, tls=tls)
        self._refreshing = asyncio.create_task(self._keep_fresh()) if access.may_expire else None

    def post(self, path: str, body: bytes, sink: Sink, probe: Probe, traceparent: str | None = None) -> Awaitable[None]:
        """Send `body` to `path`, which is percent-encoded and begins with a slash. Raises HttpError.

        The trace is not part of what is signed: a proxy on the way may put its own in.
        """
        head = self.head(path, body)
        return self._client.post(head if traceparent is None else with_trace(head, traceparent), body, sink, probe)

    def head(self, path: str, body: bytes) -> bytes:
        """Everything of a request up to and including `content-length: `."""
        start = self._starts.get(path)
        if start is None:
            start = self._starts[path] = self._start(path)
        if self._signer is None:
            return f"{start}{self._bearer}".encode("latin-1")
        access = self._access
        signed = self._signer.headers(f"{access.path_prefix}{path}", access.authority, _JSON, body, self._now())
        fields = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        return f"{start}{fields}content-length: ".encode("latin-1")

    async def refresh(self) -> None:
        """Sign with the credentials of now. Raises the SDK's exceptions; then the old ones stay in use."""
        keys = await asyncio.to_thread(self._access.keys)
        if keys != self._keys:
            self._keys = keys
            self._signer = _signer(self._access, keys)

    async def aclose(self) -> None:
        """Cut every connection, and look after the credentials no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self._client.aclose()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            with suppress(Exception):  # the SDK logs it; if it lasts, Bedrock's refusals will tell of it
                await self.refresh()

    def _start(self, path: str) -> str:
        access = self._access
        return (
            f"POST {access.path_prefix}{path} HTTP/1.1\r\nhost: {access.authority}\r\n"
            f"user-agent: fmload/{__version__}\r\naccept: */*\r\naccept-encoding: identity\r\ncontent-type: {_JSON}\r\n"
        )

    def _now(self) -> str:
        """The time as signatures have it, written out once a second."""
        second = int(self._now_s())
        if second != self._second:
            self._second = second
            self._date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        return self._date


def _signer(access: Access, keys: Keys | None) -> Signer | None:
    if keys is None:
        return None
    return Signer(keys.access_key, keys.secret_key, keys.token, region=access.region, service=access.service)
