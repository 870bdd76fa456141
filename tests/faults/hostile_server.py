"""A server that misbehaves by request number, as a process of its own.

It reads from stdin, pickled: scripts, upgrades, certificate. Request `n` gets script `n` modulo their number, an
upgrade that of its path first. A step is bytes to write, in which `{number}` stands for n, or "reset", "close", "eof"
(half-close) or "hang" (until the client has hung up). After the last one the connection takes another request.

It writes, pickled: its ports, one that speaks TLS with the certificate and one that closes each connection unheard
among them; and, when stdin ends, the numbers that came, one list a connection, and what came while nothing should.
"""

import asyncio
import base64
import hashlib
import pickle
import re
import socket
import ssl
import struct
import sys

_NUMBER = re.compile(rb'"request_id":"r-(\d+)"')
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_WS_KEY = re.compile(rb"sec-websocket-key: (\S+)", re.IGNORECASE)
_WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLOSE = 8
#: One-MiB answers are written at once.
_BUFFER_BYTES = 1 << 21


class Hostile:
    """Plays scripts; keeps what came."""

    def __init__(self, scripts, upgrades):
        self._scripts, self._upgrades = scripts, upgrades
        self.log, self.strays = [], []

    async def serve(self, reader, writer):
        try:
            await self._take(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _take(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        numbers = []
        self.log.append(numbers)
        if b"upgrade: websocket" in head.lower():
            await self._upgrade(head, reader, writer)
            while (message := await _message(reader)) is not None:
                await self._answer(message, numbers, reader, writer)
            writer.write(bytes((0x80 | _CLOSE, 0)))
            raise ConnectionAbortedError
        while True:
            body = await reader.readexactly(int(_LENGTH.search(head)[1]))
            await self._answer(body, numbers, reader, writer)
            head = await reader.readuntil(b"\r\n\r\n")

    async def _upgrade(self, head, reader, writer):
        await self._play(self._upgrades.get(head.split(b" ")[1], ()), b"", reader, writer)
        accept = base64.b64encode(hashlib.sha1(_WS_KEY.search(head)[1] + _WS_GUID).digest())  # noqa: S324  RFC 6455
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept
        )

    async def _answer(self, asked, numbers, reader, writer):
        number = int(_NUMBER.search(asked)[1])
        numbers.append(number)
        await self._play(self._scripts[number % len(self._scripts)], b"%d" % number, reader, writer)

    async def _play(self, script, number, reader, writer):
        for step in script:
            match step:
                case "hang":
                    said = await reader.read()
                    if said and said[0] != 0x80 | _CLOSE:  # a WebSocket's goodbye is none
                        self.strays.append(said)
                case "eof":
                    writer.write_eof()
                case "reset":
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    raise ConnectionAbortedError
                case "close":
                    writer.close()
                    await writer.wait_closed()
                    raise ConnectionAbortedError
                case _:
                    writer.write(step.replace(b"{number}", number))
                    await writer.drain()


async def _message(reader):
    """The next text message of a WebSocket's client; None where it says goodbye."""
    first, second = await reader.readexactly(2)
    assert first & 0x80
    assert second & 0x80, "clients mask their frames"
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return None if first & 0x0F == _CLOSE else bytes(byte ^ mask[k % 4] for k, byte in enumerate(data))


async def hang_up(_reader, writer):
    writer.transport.abort()


async def main():
    loop = asyncio.get_running_loop()
    scripts, upgrades, certificate = pickle.load(sys.stdin.buffer)  # noqa: S301  from the test that started it
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    hostile = Hostile(scripts, upgrades)
    servers = [
        await asyncio.start_server(callback, "127.0.0.1", 0, ssl=context, limit=_BUFFER_BYTES, backlog=512)
        for callback, context in ((hostile.serve, None), (hostile.serve, tls), (hang_up, None))
    ]
    tell([server.sockets[0].getsockname()[1] for server in servers])
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    tell((hostile.log, hostile.strays))


def tell(what):
    pickle.dump(what, sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(main())
