"""An HTTP request as long as its client is there: its body, and work that ends when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final, TypeVar

from starlette.types import Receive

from target_app.errors import ChatError, Code
from target_app.reception import ClientGoneError

T = TypeVar("T")

#: API Gateway's limit for the payload of a REST request (its quotas page, "Payload size").
MAX_BODY_BYTES: Final = 10 * 1024 * 1024


async def read_body(receive: Receive) -> bytes:
    """The request's body.

    Raises ClientGoneError where the client leaves before its end, and ChatError bad_request where it is over
    10 MiB; only after its end then, as a client that is still sending would not read the answer.
    """
    pieces: list[bytes] = []
    n_bytes = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        piece = event.get("body", b"")
        n_bytes += len(piece)
        if n_bytes <= MAX_BODY_BYTES:
            pieces.append(piece)
        else:
            pieces.clear()
        if not event.get("more_body", False):
            break
    if n_bytes > MAX_BODY_BYTES:
        raise ChatError(Code.BAD_REQUEST, f"the request is over {MAX_BODY_BYTES} bytes")
    return b"".join(pieces)


async def while_present(receive: Receive, work: Coroutine[None, None, T]) -> T:
    """The result of `work`; when the client leaves first, the work is cancelled and ClientGoneError raised."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_departure(receive))
    both = {working, leaving}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError
        return working.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.wait(both)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
