"""Is the client still there? A request is only worth working on while it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

from target_app.bedrock import errors

MAX_BODY_BYTES = 25_000_000


class ClientGoneError(Exception):
    """The client closed its connection before it had its answer."""


async def read_body(receive: Receive) -> bytes:
    """Read the request's body; raises ClientGoneError, or BedrockError where it is larger than the service takes."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise errors.too_large(MAX_BODY_BYTES)
        if not message.get("more_body", False):
            return body


async def while_present(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Do `work`; should the client go first, cancel it, wait until it has let go, and raise ClientGoneError."""
    worker = asyncio.create_task(work)
    watcher = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((worker, watcher), return_when=asyncio.FIRST_COMPLETED)
    finally:
        worker.cancel()
        watcher.cancel()
        await asyncio.gather(worker, watcher, return_exceptions=True)
    if worker.cancelled():
        raise ClientGoneError
    worker.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
