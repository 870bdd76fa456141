"""A target that answers at once: `python -m loadtester.doctor.echo` prints its port, and ends when stdin is closed.

It speaks just enough of docs/target-api.md, "REST", to be the other side of a self-test.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from loadtester.loop import on_loop

_BODY = (
    b'{"request_id":"r","session_id":"s","model":"echo","finish_reason":"end_turn","answer":"Yes.",'
    b'"usage":{"input_tokens":1,"output_tokens":1}}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_LENGTH = b"content-length:"


class Echo(asyncio.Protocol):
    """One connection; a request is its head and the sized body after it."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to answer on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._data += data
        while (end := _end_of_request(self._data)) is not None:
            self._data = self._data[end:]
            self._transport.write(_ANSWER)


def _end_of_request(data: bytes) -> int | None:
    """Where the first request ends; None where it is not all there yet."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    field = head.lower().rpartition(_LENGTH)[2] if _LENGTH in head.lower() else b"0"
    length = int(field.split(b"\r\n")[0])
    return len(head) + len(blank) + length if len(rest) >= length else None


async def serve() -> None:
    """Serve on a free port of loopback until stdin is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.close()


if __name__ == "__main__":
    on_loop(serve())
