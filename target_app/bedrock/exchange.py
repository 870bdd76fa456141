"""One request's way out: its response, and its line in the log, which is written before the response's last byte.

So whoever has seen an answer end finds it in the log.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Final, NoReturn

from starlette.types import Scope, Send

from target_app.bedrock import connection, eventstream
from target_app.bedrock.errors import BedrockError
from target_app.bedrock.log import Entry, Log, Outcome

#: Of the service's 4xx, 408 and 424 are its own faults and 429 is nobody's.
_CLIENTS_FAULT: Final = frozenset({400, 403, 404, 413})
_JSON = (b"content-type", b"application/json")


class Exchange:
    """The response of one request; owns its log entry."""

    def __init__(self, scope: Scope, send: Send, log: Log, operation: str, model: str) -> None:
        self._scope = scope
        self._send = send
        self._log = log
        self.entry = Entry(
            id=str(uuid.uuid4()),
            request_id=None,
            operation=operation,
            model=model,
            arrived_ns=time.monotonic_ns(),
        )

    @property
    def elapsed_ms(self) -> int:
        """Whole ms since the request arrived."""
        return (time.monotonic_ns() - self.entry.arrived_ns) // 1_000_000

    @property
    def has_begun(self) -> bool:
        """Whether a stream has been opened."""
        return self.entry.status is not None

    async def whole(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer in one piece."""
        self.entry.first_ns = time.monotonic_ns()
        self.close("ok", 200)
        await self._respond(200, headers, body)

    async def open_stream(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Begin to stream an answer; what follows are frames."""
        self.entry.status = 200
        self.entry.first_ns = time.monotonic_ns()
        content_type = (b"content-type", eventstream.CONTENT_TYPE)
        await self._start(200, [content_type, *headers])

    async def frames(self, frames: bytes) -> None:
        """Stream frames, as one write."""
        await self._send({"type": "http.response.body", "body": frames, "more_body": True})

    async def end_stream(self, frames: bytes) -> None:
        """Stream the last frames."""
        self.close("ok", 200)
        await self._send({"type": "http.response.body", "body": frames, "more_body": False})

    async def fail(self, error: BedrockError) -> None:
        """Answer with an error: as a response, or inside the stream that has begun."""
        if self.has_begun:
            self.close(_outcome(error), self.entry.status)
            frame = eventstream.exception(error.event, error.body)
            await self._send({"type": "http.response.body", "body": frame, "more_body": False})
        else:
            self.close(_outcome(error), error.status)
            await self._respond(error.status, [(b"x-amzn-errortype", error.header)], error.body)

    async def cut(self, *, is_reset: bool) -> NoReturn:
        """Cut the connection; whoever watches for the client's leaving ends this wait."""
        self.close("error", self.entry.status)
        connection.cut(self._scope, is_reset=is_reset)
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody resolves that future")

    def close(self, outcome: Outcome, status: int | None) -> None:
        """Write the request's line, once."""
        if self.entry.ended_ns is None:
            self.entry.outcome = outcome
            self.entry.status = status
            self.entry.ended_ns = time.monotonic_ns()
            self._log.write(self.entry)

    async def _respond(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        await self._start(status, [_JSON, (b"content-length", b"%d" % len(body)), *headers])
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        request_id = (b"x-amzn-requestid", self.entry.id.encode())
        await self._send({"type": "http.response.start", "status": status, "headers": [request_id, *headers]})


def _outcome(error: BedrockError) -> Outcome:
    if error.name == "ThrottlingException":
        return "throttled"
    return "invalid" if error.status in _CLIENTS_FAULT else "error"
