"""Every way a target or a network can fail, among good answers, in one run of the whole engine."""

import json
import struct
from collections import Counter
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import uvloop

from loadtester.model import Outcome
from loadtester.schedule import Arrivals, plan

ROUNDS = 7
A_SECOND = 350
#: Good answers take a few ms; on a machine that stands still for a while they may take longer.
TIMEOUT_S = 2
MIB = 1 << 20

USAGE = {"input_tokens": 3, "output_tokens": 5, "cache_read_tokens": 0, "cache_write_tokens": 0}
DONE = {"request_id": "r", "session_id": "s", "model": "m", "finish_reason": "end_turn", "usage": USAGE}
UNCOUNTED = {name: value for name, value in DONE.items() if name != "usage"}


def head(status=200, **fields):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode()


def whole(body, status=200, **fields):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, content_length=len(data), **fields) + data


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def sse(*events):
    """The head of a stream, and each event as a chunk."""
    return head(content_type="text/event-stream", transfer_encoding="chunked") + b"".join(
        chunk(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()) for kind, data in events
    )


def frame(kind, payload, message_type="event"):
    """One message of AWS's event stream."""
    fields = ((f":{message_type}-type", kind), (":content-type", "application/json"), (":message-type", message_type))
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in fields
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return data + struct.pack(">I", crc32(data))


def converse_stream(*frames):
    stream = head(content_type="application/vnd.amazon.eventstream", transfer_encoding="chunked")
    return stream + b"".join(map(chunk, frames))


def text_frame(message, *, first_byte=0x81):
    """A WebSocket frame from the server."""
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    if len(data) < 126:
        size = bytes((len(data),))
    else:
        size = struct.pack(">BH", 126, len(data)) if len(data) < 1 << 16 else struct.pack(">BQ", 127, len(data))
    return bytes((first_byte,)) + size + data


ANSWER = whole({**DONE, "answer": "It ships tomorrow."})
HALF = ANSWER[:-20]
END = b"0\r\n\r\n"
DELTA = ("delta", {"text": "It ships"})
SSE = sse(DELTA, DELTA, ("done", DONE)) + END
THROTTLED = {"error": {"code": "throttled", "message": "no tokens left"}}
SAID = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "It ships"}})
STOP = frame("messageStop", {"stopReason": "end_turn"})
METADATA = frame("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}})
STREAM = converse_stream(SAID, SAID, STOP, METADATA) + END
PIECE = text_frame({"type": "delta", "text": "It ships"})
WS_END = text_frame({"type": "done", **DONE, "request_id": None})
WS = PIECE + PIECE + WS_END

#: What befalls a request: by which door, what the server does with it, and how it has to end.
KINDS = {
    "good": ("rest", (ANSWER,), "ok"),
    "good, of 1 MB": ("rest", (whole({**DONE, "answer": "x" * MIB}),), "ok"),
    "good, without usage": ("rest", (whole({**UNCOUNTED, "answer": "It ships tomorrow."}),), "ok"),
    "good, with bytes after it": ("rest", (ANSWER + b"HTTP/1.1 200 OK\r\n",), "ok"),
    "closed before a byte": ("rest", ("close",), "broken"),
    "reset before a byte": ("rest", ("reset",), "broken"),
    "half-closed before a byte": ("rest", ("eof", "hang"), "broken"),
    "closed in the middle": ("rest", (HALF, "close"), "broken"),
    "reset in the middle": ("rest", (HALF, "reset"), "broken"),
    "half-closed in the middle": ("rest", (HALF, "eof", "hang"), "broken"),
    "never answered": ("rest", ("hang",), "timeout"),
    "answered too late": ("rest", ("hang", ANSWER), "timeout"),
    "its second half too late": ("rest", (HALF, "hang", ANSWER[-20:]), "timeout"),
    "garbage": ("rest", (b"\x16\x03\x01 what is that\r\n\r\n", "hang"), "broken"),
    "a head of 70 KB": ("rest", (whole(b"{}", x_padding="x" * 70_000), "hang"), "broken"),
    "a truncated chunk": ("rest", (head(transfer_encoding="chunked") + b"ff\r\n{", "close"), "broken"),
    "a chunk of no size": ("rest", (head(transfer_encoding="chunked") + b"zz\r\n{", "hang"), "broken"),
    "not JSON": ("rest", (whole(b"<html>"),), "invalid"),
    "an unknown encoding": ("rest", (whole(b"x", content_encoding="br"), "hang"), "invalid"),
    "a redirect": ("rest", (whole(b"", 302, location="/v1/elsewhere"),), "client_error"),
    "400": ("rest", (whole(b"", 400),), "client_error"),
    "429": ("rest", (whole(THROTTLED, 429),), "throttled"),
    "500, and closed": ("rest", (whole(b"", 500, connection="close"), "close"), "server_error"),
    "503": ("rest", (whole(b"", 503),), "unavailable"),
    "504": ("rest", (whole(b"", 504),), "model_timeout"),
    "nobody listens": ("nobody", (), "refused"),
    "a certificate by nobody": ("untrusted", (), "refused"),
    "closed during the TLS handshake": ("hangs up", (), "refused"),
    "a good stream": ("sse", (SSE,), "ok"),
    "a good stream without usage": ("sse", (sse(DELTA, ("done", UNCOUNTED)) + END,), "ok"),
    "a stream reset after its done": ("sse", (sse(DELTA, ("done", DONE)), "reset"), "ok"),
    "a stream without its done": ("sse", (sse(DELTA) + END,), "broken"),
    "a stream closed in a chunk": ("sse", (SSE[:-30], "close"), "broken"),
    "a stream that stops": ("sse", (sse(DELTA), "hang", END), "timeout"),
    "a stream that throttles": ("sse", (sse(DELTA, ("error", THROTTLED)) + END,), "throttled"),
    "a stream of something else": ("sse", (sse(("delta", "no object")) + END, "hang"), "invalid"),
    "a good ConverseStream": ("bedrock", (STREAM,), "ok"),
    "a ConverseStream without usage": (
        "bedrock", (converse_stream(SAID, STOP, frame("metadata", {})) + END,), "ok",
    ),
    "a wrong CRC": ("bedrock", (converse_stream(SAID, SAID[:-1] + b"\0", STOP, METADATA), "hang"), "broken"),
    "a ConverseStream cut in a frame": ("bedrock", (converse_stream(SAID, SAID[:-9]) + END,), "broken"),
    "a ConverseStream reset": ("bedrock", (converse_stream(SAID), "reset"), "broken"),
    "a ConverseStream that stops": ("bedrock", (converse_stream(SAID), "hang"), "timeout"),
    "a ConverseStream that throttles": (
        "bedrock", (converse_stream(SAID, frame("throttlingException", {"message": "slow"}, "exception")) + END,),
        "throttled",
    ),
    "a good WebSocket": ("ws", (WS,), "ok"),
    "a good WebSocket without usage": (
        "ws", (PIECE + text_frame({"type": "done", **UNCOUNTED, "request_id": None}),), "ok",
    ),
    "a good WebSocket, of 1 MB": (
        "ws", (*[text_frame({"type": "delta", "text": "x" * (MIB // 4)})] * 4, WS_END), "ok",
    ),
    "a WebSocket closed in a frame": ("ws", (PIECE + PIECE[:-5], "close"), "broken"),
    "a WebSocket reset in a frame": ("ws", (PIECE + PIECE[:-5], "reset"), "broken"),
    "a WebSocket half-closed in a frame": ("ws", (PIECE + PIECE[:-5], "eof", "hang"), "broken"),
    "a WebSocket reset at once": ("ws", ("reset",), "broken"),
    "a WebSocket that stops": ("ws", (PIECE, "hang", WS_END), "timeout"),
    "a frame against the protocol": ("ws", (text_frame(b"{}", first_byte=0xF1), "hang"), "invalid"),
    "a frame that is not JSON": ("ws", (text_frame(b"<html>"), "hang"), "invalid"),
    "a message of 2 MB": ("ws", (text_frame(b"x" * 2 * MIB), "hang"), "invalid"),
    "a WebSocket without capacity": ("ws", (struct.pack(">BBH", 0x88, 2, 1013), "hang"), "unavailable"),
    "an upgrade that is forbidden": ("forbidden", (), "refused"),
    "an upgrade answered with garbage": ("garbled", (), "refused"),
    "an upgrade that is not answered": ("unanswered", (), "refused"),
    "no WebSocket there": ("nobody, ws", (), "refused"),
}  # fmt: skip
NAMES = tuple(KINDS)
#: After these a connection is as good as before.
IS_KEPT = {
    name
    for name, (door, script, _) in KINDS.items()
    if door in ("rest", "sse", "bedrock") and len(script) == 1 and name != "good, with bytes after it"
}

UPGRADES = {
    b"/forbidden": (whole(b"", 403), "close"),
    b"/garbled": (b"\0\1\2\r\n\r\n", "close"),
    b"/unanswered": ("close",),
}


def kind_of(number):
    return NAMES[number % len(NAMES)]


@pytest.fixture
def descriptors():
    """How many files the process has open; libuv's own two, which it never closes, are already among them."""
    uvloop.new_event_loop().close()
    return lambda: len(list(Path("/dev/fd").iterdir()))


def _targets(plain, tls, closing, nobody):
    base = f"http://127.0.0.1:{plain}"

    def at(url, protocol="rest"):
        return {"target.url": url, "target.protocol": protocol}

    return {
        "rest": at(base),
        "sse": at(base, "sse"),
        "bedrock": {"target.url": "bedrock:us-east-1", "target.endpoint_url": base, "target.streaming": True},
        "ws": at(base, "ws"),
        "nobody": at(f"http://127.0.0.1:{nobody}"),
        "untrusted": at(f"https://127.0.0.1:{tls}"),
        "hangs up": at(f"https://127.0.0.1:{closing}"),
        "nobody, ws": at(f"http://127.0.0.1:{nobody}", "ws"),
        **{path: at(f"{base}/{path}", "ws") for path in ("forbidden", "garbled", "unanswered")},
    }


def test_each_fault_is_one_outcome_and_the_run_goes_on(run, hostile_server, nobody, descriptors):
    """Faults of every kind among good answers: each request has its one right outcome, and nothing is left open.

    The server saw each request once at most, none on a connection that a fault had spoilt.
    """
    n = ROUNDS * len(KINDS)
    arrivals = plan(
        "sustained", rate_per_s=A_SECOND, duration_s=n / A_SECOND, requests=n, arrivals="uniform", stages=(), seed=1
    )
    before = descriptors()
    with hostile_server([script for _, script, _ in KINDS.values()], UPGRADES) as server:
        done = run(_targets(*server.ports, nobody), lambda number: KINDS[kind_of(number)][0], arrivals, TIMEOUT_S)
    assert descriptors() == before

    ended = Counter((kind_of(number), row["outcome"], row["detail"]) for number, row in done.rows.items())
    wrong = {key: count for key, count in ended.items() if key[1] != KINDS[key[0]][2]}
    assert not wrong
    for number, row in done.rows.items():
        assert row["tokens_estimated"] != "1" or row["outcome"] != "ok" or "without usage" in kind_of(number)
        assert "without usage" not in kind_of(number) or row["tokens_estimated"] == "1"

    seen = Counter(number for numbers in server.log for number in numbers)
    assert seen == Counter(number for number in range(n) if KINDS[kind_of(number)][1])
    assert not server.strays
    spoilt = [numbers for numbers in server.log if not IS_KEPT.issuperset(map(kind_of, numbers[:-1]))]
    assert not spoilt


@pytest.mark.parametrize("drive", ["uvloop"], indirect=True)
def test_ten_thousand_redirects_are_ten_thousand_outcomes(run, hostile_server, descriptors):
    """Each redirect is one client_error, not followed, wherever it leads; what is said of them does not pile up."""
    n, conversations = 10_000, 50
    ids = np.arange(n)
    arrivals = Arrivals(
        id=ids,
        due_ns=ids * 100_000,
        # A conversation's next turn waits: however slow the machine, it takes no more connections than this.
        session=ids % conversations,
        turn=(ids // conversations + 1).astype(np.int32),
        duration_s=1.0,
    )
    before = descriptors()
    with hostile_server([(whole(b"", 307, location="/v1/elsewhere/{number}"),)]) as server:
        targets = {"rest": {"target.url": f"http://127.0.0.1:{server.ports[0]}", "target.protocol": "rest"}}
        done = run(targets, lambda _number: "rest", arrivals, 30)
    assert descriptors() == before
    assert Counter(row["outcome"] for row in done.rows.values()) == {Outcome.CLIENT_ERROR: n}
    assert Counter(number for numbers in server.log for number in numbers) == Counter(range(n))
    assert len(server.log) <= conversations
    assert max(len(interval.failures) for interval in done.intervals) <= 21
