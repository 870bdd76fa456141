"""The SSE driver: against scripted servers, and against uvicorn and Starlette, which share no code with it."""

import asyncio
import json
import socket

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from loadtester.drivers.sse import SseDriver
from loadtester.model import Outcome, Usage

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = {
    "request_id": "r-7", "session_id": "s-3", "model": "haiku", "finish_reason": "end_turn",
    "usage": {"input_tokens": 312, "output_tokens": 87}, "timing": {"total": 1.03},
}  # fmt: skip
LAST = b"0\r\n\r\n"


def event(kind, data):
    body = b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(data, ensure_ascii=False).encode())
    return b"%x\r\n%b\r\n" % (len(body), body)


def send(run, script, probe, request, *steps):
    async def work():
        async with script.Server([script.READ, *steps]) as server:
            driver = SseDriver(server.url, headers={}, ca_file=None)
            ending = await driver.send(request, probe)
            await driver.aclose()
            assert server.requests[0][0].startswith(b"POST /v1/chat/stream HTTP/1.1\r\n")
            return ending

    return run(work())


HI, THERE, END = event("delta", {"text": "進撃"}), event("delta", {"text": "の巨人"}), event("done", DONE)


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_answer(run, script, fake_probe, chat_request, size):
    """Each delta is a chunk, however the stream is cut; empty ones and unknown events are none."""
    stream = HI + event("delta", {"text": ""}) + event("ping", {}) + THERE + END + LAST
    probe = fake_probe()
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    ending = send(run, script, probe, chat_request, HEAD, *pieces)
    assert (ending.outcome, ending.finish_reason, ending.usage) == (Outcome.OK, "end_turn", Usage(312, 87))
    assert probe.moments == ["connected", "sent", ("chunk", "進撃"), ("chunk", "の巨人")]


def error(code):
    return event("error", {"error": {"code": code, "message": "x"}})


@pytest.mark.parametrize(
    ("stream", "outcome", "n_chunks"),
    [
        (HI + event("done", {**DONE, "finish_reason": "max_tokens"}) + LAST, Outcome.TRUNCATED, 1),
        (HI + event("done", {**DONE, "finish_reason": "guardrail_intervened"}) + LAST, Outcome.FILTERED, 1),
        (HI + event("done", {**DONE, "usage": "?"}) + LAST, Outcome.OK, 1),
        (HI + LAST, Outcome.BROKEN, 1),
        (LAST, Outcome.BROKEN, 0),
        (HI + error("throttled") + LAST, Outcome.THROTTLED, 1),
        (HI + error("model_timeout") + LAST, Outcome.MODEL_TIMEOUT, 1),
        (error("model_error") + LAST, Outcome.SERVER_ERROR, 0),
        (HI + error("throttled") + END + LAST, Outcome.THROTTLED, 1),
        (HI + END + THERE + LAST, Outcome.OK, 1),
        (HI + event("delta", ["?"]) + END + LAST, Outcome.INVALID, 1),
        (HI + b"5\r\nevent", Outcome.BROKEN, 1),
        (HI + b"zz\r\n", Outcome.BROKEN, 1),
        (HI + END, Outcome.OK, 1),
    ],
)
@pytest.mark.parametrize("end", ["CLOSE", "EOF"])
def test_endings(run, script, fake_probe, chat_request, stream, outcome, n_chunks, end):
    """The last event decides; without one the answer is broken; a connection lost after it changes nothing."""
    probe = fake_probe()
    ending = send(run, script, probe, chat_request, HEAD, stream, getattr(script, end))
    assert ending.outcome is outcome
    assert len(probe.texts) == n_chunks


def test_stream_until_the_end_of_the_connection(run, script, fake_probe, chat_request):
    """A stream that is neither sized nor chunked ends with the connection."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    body = b"event: done\ndata: %b\n\n" % json.dumps(DONE).encode()
    assert send(run, script, fake_probe(), chat_request, head, body, script.CLOSE).outcome is Outcome.OK


def test_cancelled(run, script, until, fake_probe, chat_request):
    """A stream given up in the middle raises CancelledError, and its connection is closed."""

    async def work():
        async with script.Server([script.READ, HEAD, HI, script.HANG]) as server:
            driver, probe = SseDriver(server.url, headers={}, ca_file=None), fake_probe()
            task = asyncio.create_task(driver.send(chat_request, probe))
            await until(lambda: probe.texts)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: len(driver._service._client.pool) == 0)

    run(work())


def test_against_uvicorn(run, fake_probe, chat_request):
    """A real server's streams, fifty at a time: every chunk in order, and the connections are used again."""

    async def answer(request):
        asked = await request.json()

        async def events():
            for i in range(5):
                text = json.dumps({"text": f"{asked['max_tokens']}-{i} "})
                yield f"event: delta\ndata: {text}\n\n"
                await asyncio.sleep(0)
            yield f"event: done\ndata: {json.dumps(DONE)}\n\n"

        ports.add(request.client.port)
        return StreamingResponse(events(), media_type="text/event-stream")

    ports = set()

    async def work():
        app = Starlette(routes=[Route("/v1/chat/stream", answer, methods=["POST"])])
        line = socket.socket()
        line.bind(("127.0.0.1", 0))
        options = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=5)
        server = uvicorn.Server(options)
        with line:
            serving = asyncio.create_task(server.serve([line]))
            driver = SseDriver(f"http://127.0.0.1:{line.getsockname()[1]}", headers={}, ca_file=None)
            while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.001)
            for _ in range(3):
                probes = [fake_probe() for _ in range(50)]
                endings = await asyncio.gather(*(driver.send(chat_request, probe) for probe in probes))
                assert {ending.outcome for ending in endings} == {Outcome.OK}
                for probe in probes:
                    assert probe.texts == [f"64-{i} " for i in range(5)]
            await driver.aclose()
            server.should_exit = True
            await serving
        assert len(ports) <= 50

    run(work())
