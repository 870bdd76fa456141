"""POST /v1/chat/stream on real processes: events as they come, and errors before and after the first."""

import json

import httpx
import pytest


def body(session="s", text="Do you have One Piece?", request_id="r", **fields):
    return {"request_id": request_id, "session_id": session, "message": text, **fields}


def events_of(lines):
    """(event, data) pairs of an event stream whose events are two lines and an empty one."""
    for line in lines:
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))
        else:
            assert line == ""


def ask(app, **fields):
    return httpx.post(f"{app.url}/v1/chat/stream", json=body(**fields), timeout=20)


def test_deltas_then_done(fast):
    """Any number of deltas, then done, whose tokens are those of the text; Bedrock was asked by ConverseStream."""
    response = ask(fast.app, session="stream", request_id="sse-1", output_tokens=40)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
    *deltas, (last, done) = events_of(response.text.split("\n"))
    assert {event for event, _ in deltas} == {"delta"}
    assert all(data.keys() == {"text"} for _, data in deltas)
    assert last == "done"
    assert done.keys() == {"request_id", "session_id", "model", "finish_reason", "usage", "timing"}
    assert (done["request_id"], done["usage"]["output_tokens"]) == ("sse-1", 40)
    text = "".join(data["text"] for _, data in deltas)
    n_ascii = sum(char.isascii() for char in text)
    assert -(-n_ascii // 4) + len(text) - n_ascii == 40
    (line,) = [line for line in fast.bedrock.lines() if line["request_id"] == "sse-1"]
    assert line["operation"] == "converse-stream"


def test_the_first_delta_comes_before_the_answer_is_complete(start_pair):
    """Text is passed on while the model is still at it: a first delta is there when Bedrock has not ended its log."""
    app, bedrock = start_pair("--time-scale", "4")
    url = f"{app.url}/v1/chat/stream"
    with httpx.stream("POST", url, json=body(request_id="early", output_tokens=1000), timeout=60) as response:
        events = events_of(response.iter_lines())
        event, data = next(events)
        assert (event, bool(data["text"])) == ("delta", True)
        assert bedrock.lines() == []
    assert bedrock.wait_for_line(request_id="early")["outcome"] == "client_gone"
    line = app.wait_for_line(request_id="early")
    assert line["outcome"] == "client_gone"
    assert line["arrived_ns"] < line["first_ns"] < line["ended_ns"]


@pytest.mark.parametrize("fields", [{"text": ""}, {"model": "no.such-model"}])
def test_an_error_before_the_first_event_is_a_status(fast, fields):
    """What is refused before any text is an HTTP status with JSON, not an event stream."""
    response = ask(fast.app, **fields)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json")
    assert response.json()["error"]["code"] == "bad_request"


def test_a_throttle_before_the_first_event(start_pair):
    """So is a throttle: 429."""
    app, _ = start_pair("--tokens-per-minute", "1000")
    response = ask(app)
    assert (response.status_code, response.json()["error"]["code"]) == (429, "throttled")


def test_an_error_in_the_middle_is_an_event(start_pair):
    """When Bedrock goes away in the middle, the stream ends with one error event, well-formed, and no done."""
    app, bedrock = start_pair("--time-scale", "4")
    url = f"{app.url}/v1/chat/stream"
    with httpx.stream("POST", url, json=body(output_tokens=1000), timeout=60) as response:
        events = events_of(response.iter_lines())
        assert next(events)[0] == "delta"
        bedrock.process.stdin.close()
        *_, (last, data) = events
    assert (last, data["error"]["code"]) == ("error", "model_error")
    assert app.wait_for_line(request_id="r")["outcome"] == "model_error"


def test_history_is_shared_with_the_other_transports(fast):
    """A conversation goes on over another transport."""
    *_, (_, done) = events_of(ask(fast.app, session="mixed").text.split("\n"))
    first = done["usage"]
    second = httpx.post(f"{fast.app.url}/v1/chat", json=body("mixed"), timeout=20).json()["usage"]
    assert second["input_tokens"] >= first["input_tokens"] + first["output_tokens"]
