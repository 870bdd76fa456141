"""Bedrock: Converse/s and ConverseStream events/s of the lean client beside the AWS SDK's, against a null server."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable

import uvloop

from loadtester.drivers.bedrock import BedrockDriver
from loadtester.drivers.compat.bedrock import CompatBedrockDriver
from loadtester.model import Outcome, Request
from loadtester.recorder import Probe

EVENTS = 100
IN_FLIGHT = 64
ROUNDS = 3
#: Requests a round by client, so that each takes about a second: the SDK is many times slower.
WHOLE = {"lean": 20_480, "SDK": 2_048}
STREAMS = {"lean": 2_048, "SDK": 256}

_USAGE = b'"usage":{"inputTokens":312,"outputTokens":87,"totalTokens":399},"metrics":{"latencyMs":1030}'
_ANSWER = (
    b'{"output":{"message":{"role":"assistant","content":[{"text":"Yes, volume 34 is in stock."}]}},'
    b'"stopReason":"end_turn",%b}' % _USAGE
)


def _frame(kind: bytes, payload: bytes) -> bytes:
    fields = ((b":event-type", kind), (b":content-type", b"application/json"), (b":message-type", b"event"))
    head = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value for name, value in fields
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


_DELTA = _frame(b"contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":" volume"},"p":"abcdefghijklmnop"}')
_END = (
    _frame(b"contentBlockStop", b'{"contentBlockIndex":0,"p":"abcd"}')
    + _frame(b"messageStop", b'{"stopReason":"end_turn","p":"abcd"}')
    + _frame(b"metadata", b'{%b,"p":"abcd"}' % _USAGE)
)
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"


def rows() -> list[tuple[str, str]]:
    """Best of three rounds each, lean and SDK in turn; the last column is their ratio."""
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
    os.environ |= credentials
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE) as server:
        try:
            if len(affinity) > 1:
                here, there = sorted(affinity)[:2]
                os.sched_setaffinity(0, {here})
                os.sched_setaffinity(server.pid, {there})
            port = int((server.stdout or sys.stdin.buffer).readline())
            return [
                *_compared("Bedrock Converse", "answer", port, WHOLE, 1, is_streaming=False),
                *_compared("Bedrock ConverseStream", "event", port, STREAMS, EVENTS, is_streaming=True),
            ]
        finally:
            server.terminate()
            if affinity:
                os.sched_setaffinity(0, affinity)


def _compared(
    what: str, unit: str, port: int, counts: dict[str, int], each: int, *, is_streaming: bool
) -> list[tuple[str, str]]:
    makers: dict[str, Callable[..., BedrockDriver | CompatBedrockDriver]] = {
        "lean": BedrockDriver,
        "SDK": CompatBedrockDriver,
    }
    best = dict.fromkeys(makers, (0.0, float("inf")))
    for _ in range(ROUNDS):
        for name, maker in makers.items():
            wall_s, cpu_s = uvloop.run(_round(maker, port, counts[name], is_streaming=is_streaming))
            done = counts[name] * each
            best[name] = (max(best[name][0], done / wall_s), min(best[name][1], cpu_s / done * 1e6))
    found = [
        (f"{what}, {name}, {IN_FLIGHT} in flight", f"{rate:,.0f} {unit}/s, {cpu_us:.2f} µs CPU/{unit}")
        for name, (rate, cpu_us) in best.items()
    ]
    return [*found, (f"{what}, lean to SDK", f"{best['lean'][0] / best['SDK'][0]:.1f}")]


async def _round(
    maker: Callable[..., BedrockDriver | CompatBedrockDriver], port: int, count: int, *, is_streaming: bool
) -> tuple[float, float]:
    driver = maker("us-east-1", f"http://127.0.0.1:{port}", is_streaming=is_streaming, ca_file=None)
    request = Request(
        7, "product_lookup", "ai", "anthropic.claude-3-haiku-20240307-v1:0", "In stock?", "s-3", 1, 1024, "en"
    )

    async def worker(times: int) -> None:
        for _ in range(times):
            ending = await driver.send(request, Probe(time.perf_counter_ns, 0))
            if ending.outcome is not Outcome.OK:
                raise RuntimeError(f"the null server's answer was not ok: {ending}")

    await asyncio.gather(*(worker(1) for _ in range(IN_FLIGHT)))
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    spent = time.perf_counter() - wall_s, time.process_time() - cpu_s
    await driver.aclose()
    return spent


class _Server(asyncio.Protocol):
    """Answers each POST that comes whole, the body with the head or after it; streams one event a turn."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  it is one
        self.head = b""

    def data_received(self, data: bytes) -> None:
        self.head += data
        if not data.endswith(b"}"):
            return
        is_stream, self.head = b"/converse-stream " in self.head[:200], b""
        if is_stream:
            self.transport.write(_HEAD)
            asyncio.get_running_loop().call_soon(self.stream, EVENTS)
        else:
            self.transport.write(_WHOLE)

    def stream(self, left: int) -> None:
        piece = _DELTA if left else _END
        self.transport.write(b"%x\r\n%b\r\n%b" % (len(piece), piece, b"" if left else b"0\r\n\r\n"))
        if left:
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
