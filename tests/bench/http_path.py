"""The HTTP load path: POST/s and CPU µs of transport and drivers, against a null server on the other core."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from loadtester.drivers.http import HttpClient, post_head
from loadtester.drivers.rest import RestDriver
from loadtester.drivers.sse import SseDriver
from loadtester.model import Request
from loadtester.recorder import Probe

REQUESTS = 40_960
STREAMS = 384
EVENTS = 200
IN_FLIGHT = 64
ROUNDS = 3

_DONE = (
    b'{"request_id":"r-7","session_id":"s-3","model":"anthropic.claude-3-haiku-20240307-v1:0",'
    b'"finish_reason":"end_turn","usage":{"input_tokens":312,"output_tokens":87,"cache_read_tokens":0,'
    b'"cache_write_tokens":0},"timing":{"total":1.03},"answer":"Yes, volume 34 is in stock."}'
)
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_DONE), _DONE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENT = b'event: delta\ndata: {"text":" volume"}\n\n'
_END = b"event: done\ndata: %b\n\n" % _DONE
_BODY = b'{"message":"Do you have Attack on Titan volume 34 in stock?"}'


def rows() -> list[tuple[str, str]]:
    """Best of three rounds each, as wall rate and CPU time of this process."""
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE) as server:
        try:
            if len(affinity) > 1:
                here, there = sorted(affinity)[:2]
                os.sched_setaffinity(0, {here})
                os.sched_setaffinity(server.pid, {there})
            port = int((server.stdout or sys.stdin.buffer).readline())
            return [
                _row("POST, transport alone", "POST", lambda: _transport(port), REQUESTS),
                _row("POST, rest driver", "POST", lambda: _driver(port), REQUESTS),
                _row("POST, bare aiohttp", "POST", lambda: _aiohttp(port), REQUESTS // 4),
                _row("SSE events, sse driver", "event", lambda: _streams(port), STREAMS * EVENTS),
            ]
        finally:
            server.terminate()
            if affinity:
                os.sched_setaffinity(0, affinity)


def _row(name: str, unit: str, work: Callable[[], Awaitable[None]], count: int) -> tuple[str, str]:
    best = (float("inf"), float("inf"))
    for _ in range(ROUNDS):
        best = min(best, uvloop.run(_timed(work)))
    cpu_s, wall_s = best
    return f"{name}, {IN_FLIGHT} in flight", f"{count / wall_s:,.0f} {unit}/s, {cpu_s / count * 1e6:.2f} µs CPU/{unit}"


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return time.process_time() - cpu, time.perf_counter() - wall


class _Null:
    def on_head(self, status: int, headers: dict[bytes, bytes]) -> None:
        pass

    def on_body(self, data: bytes) -> None:
        pass

    def on_end(self) -> None:
        pass


async def _at_once(count: int, send: Callable[[], Awaitable[object]]) -> None:
    async def worker() -> None:
        for _ in range(count // IN_FLIGHT):
            await send()

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


async def _transport(port: int) -> None:
    client = HttpClient("127.0.0.1", port)
    head, sink = post_head(f"127.0.0.1:{port}", "/v1/chat", {}, accept="application/json"), _Null()
    await _at_once(REQUESTS, lambda: client.post(head, _BODY, sink, Probe(time.perf_counter_ns, 0)))
    await client.aclose()


async def _driver(port: int) -> None:
    driver = RestDriver(f"http://127.0.0.1:{port}", headers={}, ca_file=None)
    await _at_once(REQUESTS, lambda: driver.send(_request(), Probe(time.perf_counter_ns, 0)))
    await driver.aclose()


async def _streams(port: int) -> None:
    driver = SseDriver(f"http://127.0.0.1:{port}", headers={}, ca_file=None)
    await _at_once(STREAMS, lambda: driver.send(_request(), Probe(time.perf_counter_ns, 0)))
    await driver.aclose()


async def _aiohttp(port: int) -> None:
    url = f"http://127.0.0.1:{port}/v1/chat"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> None:
            async with session.post(url, data=_BODY) as answer:
                await answer.read()

        await _at_once(REQUESTS // 4, send)


def _request() -> Request:
    return Request(7, "product_lookup", "ai", "haiku", "Is volume 34 in stock?", "s-3", 1, 1024, "en")


class _Server(asyncio.Protocol):
    """Answers each POST that comes in one piece, which small ones over loopback do; streams one event a turn."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  it is one

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST /v1/chat/stream"):
            self.transport.write(_HEAD)
            asyncio.get_running_loop().call_soon(self.stream, EVENTS)
        else:
            self.transport.write(_WHOLE)

    def stream(self, left: int) -> None:
        last = left == 1
        event = _END if last else _EVENT
        self.transport.write(b"%x\r\n%b\r\n%b" % (len(event), event, b"0\r\n\r\n" if last else b""))
        if not last:
            asyncio.get_running_loop().call_soon(self.stream, left - 1)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  the port is for whoever started this
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        uvloop.run(_serve())
    else:
        for name, value in rows():
            print(f"{name:<42}{value}")  # noqa: T201  a table is what it is for
