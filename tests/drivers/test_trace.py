"""A request's trace on the wire: one header where it is sampled, none where it is not."""

import json
import os

import msgspec
import pytest

from loadtester.drivers import driver_for
from loadtester.scenario import resolve

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DONE = json.dumps({"model": "m", "finish_reason": "end_turn", "usage": None, "answer": "x", "choices": []}).encode()
STREAM = b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b"
WHOLE = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
EVENTS = b"event: done\ndata: " + DONE + b"\n\n"


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "OPENAI_API_KEY":
            monkeypatch.delenv(name)


@pytest.mark.parametrize("client", ["fast", "compat"])
@pytest.mark.parametrize(
    ("protocol", "streaming", "answer"),
    [
        ("rest", None, WHOLE % (len(DONE), DONE)),
        ("sse", None, STREAM % (len(EVENTS), EVENTS)),
        ("openai", True, STREAM % (len(b"data: [DONE]\n\n"), b"data: [DONE]\n\n")),
        ("openai", False, WHOLE % (len(DONE), DONE)),
    ],
)
def test_the_sampled_request_and_no_other_carries_its_trace(
    run, script, fake_probe, chat_request, protocol, streaming, answer, client
):
    """Of two requests on one driver, the one with a trace has it as `traceparent`, once and as it is."""
    sampled = msgspec.structs.replace(chat_request, traceparent=TRACE)

    async def work():
        async with script.Server([script.READ, answer, script.READ, answer]) as server:
            flags = {"target.url": server.url, "target.protocol": protocol, "target.client": client}
            if streaming is not None:
                flags |= {"target.streaming": streaming, "model": "m"}
            driver = driver_for(resolve(flags).target)
            for request in (sampled, chat_request):
                await driver.prepare(request)
                await driver.send(request, fake_probe())
                await driver.finish(request)
            await driver.aclose()
            return [head.decode("ascii").lower().split("\r\n") for head, _ in server.requests]

    with_trace, without = run(work())
    assert [line for line in with_trace if "trace" in line] == [f"traceparent: {TRACE}"]
    assert [line for line in without if "trace" in line] == []
