"""The REST driver against scripted servers: one Ending for everything that can come back."""

import json

import pytest

from loadtester.drivers.rest import RestDriver
from loadtester.model import Outcome, Usage

DONE = {
    "request_id": "r-7", "session_id": "s-3", "model": "haiku", "finish_reason": "end_turn",
    "usage": {"input_tokens": 312, "output_tokens": 87}, "timing": {"total": 1.03}, "answer": "はい",
}  # fmt: skip


def whole(body, status=200):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(data),
        data,
    )


def send(run, script, probe, request, *steps):
    async def work():
        async with script.Server([script.READ, *steps]) as server:
            driver = RestDriver(server.url, headers={"X-Team": "manga"}, ca_file=None)
            await driver.prepare(request)
            ending = await driver.send(request, probe)
            await driver.finish(request)
            await driver.aclose()
            return ending, server.requests

    return run(work())


def test_answer(run, script, fake_probe, chat_request):
    """A complete answer is ok, with all that it tells; its text is one chunk, after the request was sent."""
    probe = fake_probe()
    ending, requests = send(run, script, probe, chat_request, whole(DONE))
    assert (ending.outcome, ending.finish_reason, ending.model) == (Outcome.OK, "end_turn", "haiku")
    assert (ending.usage, ending.timing_s) == (Usage(312, 87), {"total": 1.03})
    assert probe.moments == ["connected", "sent", ("chunk", "はい")]
    ((head, body),) = requests
    assert head.startswith(b"POST /v1/chat HTTP/1.1\r\n")
    assert b"x-team: manga\r\n" in head
    assert json.loads(body)["message"] == "こんにちは"


@pytest.mark.parametrize(
    ("answer", "outcome", "n_chunks"),
    [
        (whole({**DONE, "finish_reason": "max_tokens"}), Outcome.TRUNCATED, 1),
        (whole({**DONE, "usage": None}), Outcome.OK, 1),
        (whole({**DONE, "answer": ""}), Outcome.OK, 0),
        (whole({**DONE, "answer": None}), Outcome.INVALID, 0),
        (whole({}), Outcome.BROKEN, 0),
        (whole(b""), Outcome.INVALID, 0),
        (whole(b"<html>"), Outcome.INVALID, 0),
        (whole(b'{"answer": "x'), Outcome.INVALID, 0),
        (whole({"error": {"code": "throttled", "message": "x"}}), Outcome.THROTTLED, 0),
        (whole({"error": {"code": "throttled", "message": "x"}}, 429), Outcome.THROTTLED, 0),
        (whole({"error": {"code": "unavailable", "message": "x"}}, 503), Outcome.UNAVAILABLE, 0),
        (whole({"error": {"code": "model_timeout", "message": "x"}}, 504), Outcome.MODEL_TIMEOUT, 0),
        (whole({"error": {"code": "model_error", "message": "x"}}, 502), Outcome.SERVER_ERROR, 0),
        (whole({"error": {"code": "bad_request", "message": "x"}}, 400), Outcome.CLIENT_ERROR, 0),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", Outcome.CLIENT_ERROR, 0),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome.INVALID, 0),
        (b"not HTTP at all\r\n", Outcome.BROKEN, 0),
    ],
)
def test_endings(run, script, fake_probe, chat_request, answer, outcome, n_chunks):
    """Each kind of answer has its outcome; only content is a chunk; what isn't ok says why."""
    probe = fake_probe()
    ending, _ = send(run, script, probe, chat_request, answer)
    assert ending.outcome is outcome
    assert len(probe.texts) == n_chunks
    assert ending.outcome in (Outcome.OK, Outcome.TRUNCATED) or ending.detail


@pytest.mark.parametrize("end", ["CLOSE", "RESET", "EOF"])
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 2", whole(DONE)[:-1]])
def test_dying_connections(run, script, fake_probe, chat_request, end, part):
    """A connection that dies at any moment is one broken answer."""
    steps = [part, getattr(script, end)] if part else [getattr(script, end)]
    ending, _ = send(run, script, fake_probe(), chat_request, *steps)
    assert ending.outcome is Outcome.BROKEN
