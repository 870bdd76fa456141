"""The C null server, compiled when first needed, with the answers that it replays."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

STAMP = "@" * 18
BUILT = Path(tempfile.gettempdir()) / f"fmload-bench-{os.getuid()}"

_USAGE = {"input_tokens": 312, "output_tokens": 87, "cache_read_tokens": 0, "cache_write_tokens": 0}
_DONE = {
    "request_id": "r-7",
    "session_id": "s-3",
    "model": "anthropic.claude-3-haiku-20240307-v1:0",
    "finish_reason": "end_turn",
    "usage": _USAGE,
    "timing": {"session": 0.0002, "model_ttft": 0.41, "model": 1.02, "total": 1.03},
}
_TEXT = "Volume 34 of Attack on Titan is in stock; it ships tomorrow."
_BEDROCK_USAGE = {"inputTokens": 312, "outputTokens": 87, "totalTokens": 399}


@dataclass(frozen=True, slots=True)
class Route:
    """What requests to paths that begin with `path` get: `pieces`, one write each, `gap_us` apart."""

    path: str
    pieces: tuple[bytes, ...]
    gap_us: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A null server that runs: its process and its port on loopback."""

    pid: int
    port: int

    @property
    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def null_target(routes: tuple[Route, ...], core: int | None) -> Iterator[Target]:
    """The server with `routes`, on `core` where there is one to spare; killed at the end."""
    source = Path(__file__).with_name("null_server.c")
    binary = BUILT / f"null-{crc32(source.read_bytes()):08x}"
    if not binary.exists():
        BUILT.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(source)], check=True)
    with subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            if core is not None:
                os.sched_setaffinity(server.pid, {core})
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(b"".join(_told(route) for route in routes))
            server.stdin.close()
            yield Target(server.pid, int(server.stdout.readline()))
        finally:
            server.kill()


def usual_routes() -> tuple[Route, ...]:
    """Every kind of answer the benchmarks ask for; longer paths come first, as the server takes the first that fits."""
    # Twelve seconds each: all are there at once when the last begins, ten seconds after the first.
    paced = tuple(
        Route(f"/paced{gap_ms}/v1/chat/stream", sse(count, is_stamped=True), gap_ms * 1000)
        for gap_ms, count in ((100, 120), (500, 24))
    )
    return (
        *paced,
        Route("/s50/v1/chat/stream", _bundled(sse(50), 5)),
        Route("/s100/v1/chat/stream", _bundled(sse(100), 5)),
        Route("/v1/chat", (_whole(json.dumps({**_DONE, "answer": _TEXT}).encode()),)),
        Route("/stream/model/", _bundled(converse_stream(50), 5)),
        Route("/model/", (_whole(_converse()),)),
        Route("/", (_whole(b'{"status":"ok","bedrock":"ok"}'),)),
    )


def sse(count: int, *, is_stamped: bool = False) -> tuple[bytes, ...]:
    """An SSE answer of `count` deltas, then done, as HTTP chunks; the head goes with the first."""
    text = STAMP if is_stamped else " volume"
    deltas = [b'event: delta\ndata: {"text": "%b"}\n\n' % text.encode()] * count
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    done = _chunk(b"event: done\ndata: %b\n\n" % json.dumps(_DONE).encode()) + b"0\r\n\r\n"
    return _framed(head, [_chunk(delta) for delta in deltas], done)


def converse_stream(count: int) -> tuple[bytes, ...]:
    """A ConverseStream answer of `count` text deltas, one event-stream frame an HTTP chunk."""
    events: list[tuple[str, object]] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " volume"}})] * count
    events += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"})]
    end = {"usage": _BEDROCK_USAGE, "metrics": {"latencyMs": 1030}}
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
        b"x-amzn-requestid: 1\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks = [_chunk(_event(kind, payload)) for kind, payload in events]
    return _framed(head, chunks, _chunk(_event("metadata", end)) + b"0\r\n\r\n")


def _framed(head: bytes, chunks: list[bytes], end: bytes) -> tuple[bytes, ...]:
    return (head + chunks[0], *chunks[1:], end)


def _bundled(pieces: tuple[bytes, ...], size: int) -> tuple[bytes, ...]:
    """The same bytes in fewer writes, so that the server's system calls are not what is measured."""
    return tuple(b"".join(pieces[start : start + size]) for start in range(0, len(pieces), size))


def _converse() -> bytes:
    message = {"role": "assistant", "content": [{"text": _TEXT}]}
    return json.dumps(
        {
            "output": {"message": message},
            "stopReason": "end_turn",
            "usage": _BEDROCK_USAGE,
            "metrics": {"latencyMs": 1030},
        }
    ).encode()


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(kind: str, payload: object) -> bytes:
    """One frame of application/vnd.amazon.eventstream."""
    fields = ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in fields
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    frame = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return frame + struct.pack(">I", crc32(frame))


def _told(route: Route) -> bytes:
    pieces = b"".join(b"%d\n%b\n" % (len(piece), piece) for piece in route.pieces)
    return b"ROUTE %b %d %d\n%b" % (route.path.encode(), route.gap_us, len(route.pieces), pieces)
