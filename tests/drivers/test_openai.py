"""The OpenAI driver, streamed and whole, against scripted servers; and where its key comes from."""

import json

import pytest

from loadtester.drivers.openai import OpenAIDriver
from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome, Usage

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
DONE = b"data: [DONE]\n\n"
USAGE = {
    "prompt_tokens": 20, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 4},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def send(run, script, probe, request, *steps, is_streaming, headers=None):
    async def work():
        async with script.Server([script.READ, *steps]) as server:
            driver = OpenAIDriver(f"{server.url}/v1", headers=headers or {}, ca_file=None, is_streaming=is_streaming)
            ending = await driver.send(request, probe)
            await driver.aclose()
            return ending, server.requests[0]

    return run(work())


def data(body):
    return b"data: %b\n\n" % json.dumps(body).encode()


def delta(finish_reason=None, **said):
    return data(
        {"model": "m-1", "choices": [{"index": 0, "delta": said, "finish_reason": finish_reason}], "usage": None}
    )


STOP, LAST_USAGE = delta("stop"), data({"model": "m-1", "choices": [], "usage": USAGE})


def test_stream(run, script, fake_probe, chat_request):
    """Content is a chunk, and the first one is the first token: roles, reasoning and usage are none."""
    probe = fake_probe()
    stream = [
        delta(role="assistant", content=""), delta(reasoning_content="hm"), delta(content="Yes"),
        delta(content=", 34."), STOP, LAST_USAGE, DONE,
    ]  # fmt: skip
    ending, (head, body) = send(
        run, script, probe, chat_request, HEAD, b"".join(stream), script.CLOSE, is_streaming=True
    )
    assert (ending.outcome, ending.finish_reason, ending.model) == (Outcome.OK, "stop", "m-1")
    assert ending.usage == Usage(12, 10, cache_read=8, reasoning=4)
    assert probe.moments == ["connected", "sent", ("chunk", "Yes"), ("chunk", ", 34.")]
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert json.loads(body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("stream", "outcome", "has_usage"),
    [
        (delta(content="x") + STOP + DONE, Outcome.OK, False),
        (delta(content="x") + delta("length") + LAST_USAGE + DONE, Outcome.TRUNCATED, True),
        (delta(content="x") + delta("content_filter") + LAST_USAGE + DONE, Outcome.FILTERED, True),
        (delta("tool_calls", tool_calls=[{"index": 0}]) + LAST_USAGE + DONE, Outcome.OK, True),
        (delta(refusal="I can't") + STOP + LAST_USAGE + DONE, Outcome.FILTERED, True),
        (delta(content="x") + STOP + LAST_USAGE, Outcome.BROKEN, False),
        (delta(content="x") + DONE, Outcome.BROKEN, False),
        (DONE, Outcome.BROKEN, False),
        (b"", Outcome.BROKEN, False),
        (
            delta(content="x") + data({"error": {"code": "rate_limit_exceeded", "message": "x"}}),
            Outcome.THROTTLED,
            False,
        ),
        (data({"error": {"type": "server_error", "message": "x"}}) + DONE, Outcome.SERVER_ERROR, False),
        (b"event: error\n" + data({"message": "x", "code": 503}), Outcome.UNAVAILABLE, False),
        (delta(content="x") + b"data: {oops\n\n" + STOP + DONE, Outcome.INVALID, False),
        (b": keep-alive\n\n" + delta(content="x") + STOP + DONE + b"data: {oops\n\n", Outcome.OK, False),
    ],
)
def test_stream_endings(run, script, fake_probe, chat_request, stream, outcome, has_usage):
    """[DONE] and a finish reason make an answer; an error object inside counts as what its code says."""
    ending, _ = send(run, script, fake_probe(), chat_request, HEAD, stream, script.CLOSE, is_streaming=True)
    assert ending.outcome is outcome
    assert (ending.usage is not None) is has_usage


def whole(body, status=200):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(raw), raw)


def completion(reason="stop", **said):
    return {"model": "m-1", "choices": [{"index": 0, "message": said, "finish_reason": reason}], "usage": USAGE}


@pytest.mark.parametrize(
    ("answer", "outcome", "n_chunks"),
    [
        (whole(completion(content="Yes")), Outcome.OK, 1),
        (whole(completion("length", content="Ye")), Outcome.TRUNCATED, 1),
        (whole(completion(content=None, refusal="no")), Outcome.FILTERED, 0),
        (whole(completion("tool_calls", content=None)), Outcome.OK, 0),
        (whole({"choices": []}), Outcome.INVALID, 0),
        (whole(b"<html>"), Outcome.INVALID, 0),
        (whole({"error": {"code": 429, "message": "x"}}), Outcome.THROTTLED, 0),
        (whole({"error": {"code": "rate_limit_exceeded", "message": "x"}}, 429), Outcome.THROTTLED, 0),
        (whole({"error": {"code": "invalid_api_key", "message": "x"}}, 401), Outcome.CLIENT_ERROR, 0),
    ],
)
def test_whole_endings(run, script, fake_probe, chat_request, answer, outcome, n_chunks):
    """Without streaming the content is one chunk, and the same reasons and errors count."""
    probe = fake_probe()
    ending, (_, body) = send(run, script, probe, chat_request, answer, is_streaming=False)
    assert ending.outcome is outcome
    assert len(probe.texts) == n_chunks
    assert "stream" not in json.loads(body)


@pytest.mark.parametrize(
    ("headers", "sent", "not_sent"),
    [
        ({}, b"authorization: Bearer sk-environment\r\n", b"sk-header"),
        ({"AUTHORIZATION": "Bearer sk-header"}, b"authorization: Bearer sk-header\r\n", b"sk-environment"),
        ({"api-key": "sk-header"}, b"api-key: sk-header\r\n", b"sk-environment"),
    ],
)
def test_key(run, script, fake_probe, chat_request, monkeypatch, headers, sent, not_sent):
    """The key in the headers goes before the one in the environment, and only one is sent."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment\n")
    _, (head, _) = send(
        run, script, fake_probe(), chat_request, whole(completion()), is_streaming=False, headers=headers
    )
    assert sent in head
    assert not_sent not in head


def test_key_is_never_told(run, script, fake_probe, chat_request, monkeypatch):
    """A server that repeats the key in its error does not get it into the Ending."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijkl")
    error = whole({"error": {"code": "invalid_api_key", "message": "Incorrect API key: sk-proj-abcdefghijkl"}}, 401)
    ending, _ = send(run, script, fake_probe(), chat_request, error, is_streaming=False)
    assert ending.detail == "401 invalid_api_key: Incorrect API key: ***"


def test_check(run, script, monkeypatch):
    """A key that the list of models is refused with is told before the run, and not repeated."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijkl")

    async def work():
        async with script.Server([whole({}, 401)]) as server:
            driver = OpenAIDriver(f"{server.url}/v1", headers={}, ca_file=None, is_streaming=True)
            with pytest.raises(FmloadError) as error:
                await driver.check()
            await driver.aclose()
        assert error.value.code is Exit.UNREACHABLE
        assert "sk-proj" not in str(error.value)

    run(work())
