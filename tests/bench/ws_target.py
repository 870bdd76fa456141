"""A WebSocket target that costs little: one hundred ready-made frames for each frame it gets. Prints its port."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from functools import cache
from hashlib import sha1

import uvloop

FRAMES = 100
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def _frame(message: object) -> bytes:
    data = json.dumps(message).encode()
    head = bytes((0x81, len(data))) if len(data) < 126 else bytes((0x81, 126)) + len(data).to_bytes(2, "big")
    return head + data


@cache
def _answer(size: int) -> bytes:
    """The frames of an answer to a request whose id has so many characters, all `@`."""
    delta = {"type": "delta", "request_id": "@" * size, "text": " volume"}
    done = {
        "type": "done",
        "request_id": "@" * size,
        "session_id": "s-3",
        "model": "anthropic.claude-3-haiku-20240307-v1:0",
        "finish_reason": "end_turn",
        "usage": {"input_tokens": 312, "output_tokens": 87, "cache_read_tokens": 0, "cache_write_tokens": 0},
        "timing": {"total": 1.03},
    }
    return _frame(delta) * (FRAMES - 1) + _frame(done)


def _request_id(data: bytes) -> bytes:
    """That of a masked text frame of less than 64 KiB."""
    start = {126: 4}.get(data[1] & 0x7F, 2)
    mask, body = data[start : start + 4], data[start + 4 :]
    text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
    found: str = json.loads(text)["request_id"]
    return found.encode()


class _Line(asyncio.Protocol):
    """One connection; frames of clients are small and come whole over loopback."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            if data[0] & 0x0F == 0x8:
                self._transport.close()
            else:
                name = _request_id(data)
                self._transport.write(_answer(len(name)).replace(b"@" * len(name), name))  # type: ignore[attr-defined]  uvloop's transports are no Transport
            return
        fields = dict(line.split(b": ", 1) for line in data.split(b"\r\n") if b": " in line)
        key = next(value for name, value in fields.items() if name.lower() == b"sec-websocket-key")
        accept = b64encode(sha1(key + _GUID).digest())  # noqa: S324  RFC 6455 asks for SHA-1
        self._transport.write(  # type: ignore[attr-defined]  see above
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept
        )
        self._is_open = True


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Line, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  its parent reads it
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
