"""Delta frames a second on one connection: our driver beside the `websockets` client, each with probe and decoder."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine
from hashlib import sha1

import msgspec
import uvloop
from websockets.asyncio.client import connect

from loadtester.drivers.websocket import WebSocketDriver
from loadtester.model import Outcome, Request
from loadtester.recorder.probe import Probe

FRAMES = 200_000
TURNS = 3
_BLOCK = 500


def rows() -> list[tuple[str, str]]:
    """Best of three turns: frames a second of wall time, and processor time of this process a frame."""
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"ws://127.0.0.1:{int(server.stdout.readline())}/ws"
        return [
            (f"{name}, {FRAMES} deltas", _measure(client, url))
            for name, client in (("WebSocketDriver (picows)", _ours), ("websockets client", _theirs))
        ]
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def _measure(client: Callable[[str], Coroutine[None, None, list[tuple[float, float]]]], url: str) -> str:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        turns = runner.run(client(url))
    wall_s, cpu_s = min(turns)
    return f"{FRAMES / wall_s:>12,.0f} frames/s {cpu_s / FRAMES * 1e6:>8.2f} µs CPU a frame"


async def _ours(url: str) -> list[tuple[float, float]]:
    driver = WebSocketDriver(url, headers={}, ca_file=None)
    turns = []
    for turn in range(TURNS):
        request = Request(turn, "greeting", "ai", "m", "Hello", "s", turn + 1, 64, "en")
        probe = Probe(time.perf_counter_ns, 0)
        began = time.perf_counter(), time.process_time()
        ending = await driver.send(request, probe)
        turns.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        assert (ending.outcome, probe.n_chunks) == (Outcome.OK, FRAMES)
    await driver.aclose()
    return turns


async def _theirs(url: str) -> list[tuple[float, float]]:
    turns = []
    async with connect(url, compression=None, max_queue=None) as socket:
        for turn in range(TURNS):
            probe = Probe(time.perf_counter_ns, 0)
            began = time.perf_counter(), time.process_time()
            await socket.send(json.dumps({"action": "chat", "request_id": f"r-{turn}"}))
            async for message in socket:
                frame = msgspec.json.decode(message)
                if frame["type"] == "done":
                    break
                probe.chunk(len(message), frame["text"])
            turns.append((time.perf_counter() - began[0], time.process_time() - began[1]))
            assert probe.n_chunks == FRAMES
    return turns


async def _serve() -> None:
    """Answer every message with FRAMES deltas and a done, from bytes made once a turn."""
    server = await asyncio.start_server(_talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  the parent reads the port here
    await server.serve_forever()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
        assert lines[b"upgrade"] == b"websocket"
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            request_id = json.loads(await _read(reader))["request_id"]
            block = _frame(type="delta", request_id=request_id, text=" ワンピース volume") * _BLOCK
            for _ in range(FRAMES // _BLOCK):
                writer.write(block)
                await writer.drain()
            writer.write(_frame(type="done", request_id=request_id, finish_reason="end_turn"))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    _, second = await reader.readexactly(2)
    length = second & 127
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(length)))


def _frame(**fields: str) -> bytes:
    payload = json.dumps(fields, ensure_ascii=False).encode()
    assert len(payload) < 126
    return b"\x81" + bytes([len(payload)]) + payload


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        uvloop.run(_serve())
    else:
        for name, value in rows():
            print(f"{name:<42}{value}")  # noqa: T201  a table is what it is for
