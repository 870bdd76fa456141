"""Nothing that is personal or secret gets into a run directory by way of the exchanges that are kept."""

import asyncio
import json
import struct
import time
import zlib
from datetime import UTC, datetime

import pytest
from websockets.asyncio.server import serve

from loadtester.drivers import driver_for
from loadtester.fleet import Shard, plan_of, shard_engine
from loadtester.rundir import Writer
from loadtester.rundir.exchanges import read_exchanges
from loadtester.scenario import redacted, resolve

ASKED = ("hanako@example.jp", "090-8765-4321", "MGA-2024-78542", "378282246310005", "E-445566", "hush-7-token")
SAID = ("taro@example.co.jp", "03-1234-5678", "4111 1111 1111 1111", "AKIAIOSFODNN7EXAMPLE", "sk-proj-abcdefgh1234")
PROMPT = (
    f"I am {ASKED[0]}, {ASKED[1]}; where is #{ASKED[2]}? Card {ASKED[3]}, staff {ASKED[4]}, Authorization: {ASKED[5]}"
)
ANSWER = "Write to {}, call {}, pay by {}, with key {} or {}, please.".format(*SAID)
#: Cut so that most secrets lie across an edge.
PIECES = [ANSWER[start : start + 7] for start in range(0, len(ANSWER), 7)]
HEADER = "canary-header-31"


def done(asked, **more):
    return {
        "request_id": asked.get("request_id"), "session_id": asked.get("session_id"), "model": "haiku",
        "finish_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}, "timing": {"total": 0.01},
        **more,
    }  # fmt: skip


def event(kind, data):
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def aws_event(kind, data):
    """One frame of AWS's event stream: lengths, headers, payload, checksums."""
    names = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in names.items()
    )
    body = json.dumps(data).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return frame + struct.pack(">I", zlib.crc32(frame))


def body_of(path, asked):
    """What the target answers: content type and body."""
    if path.endswith("/converse-stream"):
        frames = [aws_event("messageStart", {"role": "assistant"})]
        frames += [aws_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": one}}) for one in PIECES]
        frames += [
            aws_event("messageStop", {"stopReason": "end_turn"}),
            aws_event("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": {"latencyMs": 1}}),
        ]
        return "application/vnd.amazon.eventstream", b"".join(frames)
    if path.endswith("/stream"):
        deltas = [event("delta", {"text": one}) for one in PIECES]
        return "text/event-stream", b"".join([*deltas, event("done", done(asked))])
    return "application/json", json.dumps(done(asked, answer=ANSWER)).encode()


async def serve_http(reader, writer):
    """Answer whatever is asked on a connection until it ends."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
            kind, body = body_of(head.split(" ")[1], json.loads(await reader.readexactly(size)))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve_ws(connection):
    """Answer each message of a connection."""
    async for message in connection:
        asked = json.loads(message)
        for text in PIECES:
            await connection.send(json.dumps({"type": "delta", "request_id": asked["request_id"], "text": text}))
        await connection.send(json.dumps({"type": "done", **done(asked)}))


async def run_at(url, protocol, directory, **load):
    """Six requests at the target, and what was kept of them."""
    place = {"target.endpoint_url": url, "target.region": "us-east-1"} if protocol == "bedrock" else {"target.url": url}
    scenario = resolve(
        {
            **place,
            "target.protocol": protocol,
            "target.headers": [f"Authorization: Bearer {HEADER}"] if protocol != "bedrock" else None,
            **(load or {"load.requests": 6, "load.rate": "100/s"}),
            "output.keep": 12,
            "output.redact": {"staff id": r"E-\d{6}"},
            "mix": [{"name": "contact", "share": 1, "model": "haiku", "prompts": [PROMPT]}],
        }
    )
    manifest = {"scenario": redacted(scenario)}
    writer = Writer(directory, manifest, datetime.now(UTC))
    driver = driver_for(scenario.target, has_crud=False)
    engine = shard_engine(
        scenario, plan_of(scenario), driver, shard=Shard(), price=lambda _model, _usage: None, sink=writer.write
    )
    try:
        await engine.run(time.perf_counter_ns())
    finally:
        await driver.aclose()
        writer.close()
    return read_exchanges(directory, manifest)


async def kept_of(protocol, directory, **load):
    if protocol == "ws":
        async with serve(serve_ws, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await run_at(f"ws://127.0.0.1:{port}/ws", protocol, directory, **load)
    server = await asyncio.start_server(serve_http, "127.0.0.1", 0)
    try:
        return await run_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", protocol, directory, **load)
    finally:
        server.close()


@pytest.mark.parametrize("protocol", ["ws", "rest", "sse", "bedrock"])
def test_no_secret_is_in_a_run_directory(tmp_path, monkeypatch, protocol):
    """Prompts and answers are kept, and no header, address, number or key of them, in whatever pieces they came."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws-secret")
    kept = asyncio.run(kept_of(protocol, tmp_path / "run"))
    assert [(one.outcome.value, one.answer_chars) for one in kept] == [("ok", len(ANSWER))] * 6
    assert {one.answer for one in kept} == {
        "Write to [e-mail], call [phone], pay by [card], with key *** or ***, please."
    }
    assert {one.prompt for one in kept} == {
        "I am [e-mail], [phone]; where is [order id]? Card [card], staff [staff id], Authorization: ***"
    }
    left = b"".join(file.read_bytes() for file in (tmp_path / "run").iterdir()).decode("utf-8", "replace")
    for secret in (*ASKED, *SAID, HEADER, "canary-aws-secret", "AKIDEXAMPLE"):
        assert secret not in left


def test_users_exchanges_are_kept_too(tmp_path):
    """A closed run keeps what an open one does."""
    users = {"load.users": 2, "load.think_time": "0s", "load.duration": "30s", "safety.max_requests": 6}
    kept = asyncio.run(kept_of("rest", tmp_path, **users))
    assert len(kept) == 6
    assert {one.answer_chars for one in kept} == {len(ANSWER)}
