"""A connection that is reset right behind its last bytes: both are there when the client first looks."""

import asyncio
import base64
import hashlib
import re
import socket
import struct

import pytest
import uvloop

from loadtester.drivers.rest import RestDriver
from loadtester.drivers.websocket import WebSocketDriver
from loadtester.model import Outcome, Request
from loadtester.recorder import Probe

REQUEST = Request(7, "faq", "ai", "m", "Is it in stock?", "s", 1, 64, "en")
DELTA = b'{"type": "delta", "text": "It ships"}'
FRAME = bytes((0x81, len(DELTA))) + DELTA
HALF_AN_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"
READ_BYTES = 1 << 16


def _upgraded(head):
    key = re.search(rb"sec-websocket-key: (\S+)", head, re.IGNORECASE)[1]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324  RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-accept: %b\r\n\r\n" % accept
    )


async def _serve(listener, said, *, upgrades):
    """Answer one request with `said` and a reset, without letting the loop look at its sockets in between."""
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(listener)
    asked = await loop.sock_recv(peer, READ_BYTES)
    if upgrades:
        peer.send(_upgraded(asked))
        await loop.sock_recv(peer, READ_BYTES)
    peer.send(said)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def _asked(make, said, *, upgrades):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        serving = asyncio.create_task(_serve(listener, said, upgrades=upgrades))
        driver = make(f"http://127.0.0.1:{listener.getsockname()[1]}", headers={}, ca_file=None)
        try:
            async with asyncio.timeout(10):
                return await driver.send(REQUEST, Probe(lambda: 1, 0))
        finally:
            await serving
            await driver.aclose()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("make", "said", "upgrades"),
    [(RestDriver, HALF_AN_ANSWER, False), (WebSocketDriver, FRAME + FRAME[:-5], True)],
    ids=["rest", "ws"],
)
def test_a_reset_behind_data_ends_the_request_at_once(new_loop, make, said, upgrades):
    """The request is broken there and then; it does not wait for its time limit."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        ending = runner.run(_asked(make, said, upgrades=upgrades))
    assert ending.outcome is Outcome.BROKEN
