"""POST /v1/chat on real processes: the whole answer, and every error as a status."""

import httpx
import pytest

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def ask(app, session="s", text="Do you have One Piece?", request_id="r", **fields):
    body = {"request_id": request_id, "session_id": session, "message": text, **fields}
    return httpx.post(f"{app.url}/v1/chat", json=body, timeout=20)


def test_a_whole_answer(fast):
    """200 with the done object and the answer; Bedrock was asked once, by Converse, with the labels."""
    response = ask(fast.app, "whole", request_id="rest-1", query_type="recommendation")
    assert response.status_code == 200
    done = response.json()
    assert done.keys() == {"request_id", "session_id", "model", "finish_reason", "usage", "timing", "answer"}
    assert (done["request_id"], done["session_id"], done["model"]) == ("rest-1", "whole", SONNET)
    assert done["finish_reason"] == "end_turn"
    assert done["usage"].keys() == {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"}
    assert done["timing"].keys() == {"session", "cache", "retrieval", "model_ttft", "model", "validation", "total"}
    assert 0 < done["timing"]["model_ttft"] <= done["timing"]["model"] <= done["timing"]["total"]
    assert done["answer"]
    asked = [line for line in fast.bedrock.lines() if line["request_id"] == "rest-1"]
    assert [line["operation"] for line in asked] == ["converse"]
    assert asked[0]["input_tokens"] == done["usage"]["input_tokens"]
    (line,) = [line for line in fast.app.lines() if line["request_id"] == "rest-1"]
    assert (line["transport"], line["outcome"], line["output_tokens"]) == ("rest", "ok", done["usage"]["output_tokens"])


def test_history_grows_with_the_turns(fast):
    """The second turn brings the first along: its input is larger by at least the first answer."""
    first, second = (ask(fast.app, "grows").json()["usage"] for _ in range(2))
    assert second["input_tokens"] >= first["input_tokens"] + first["output_tokens"]
    other = ask(fast.app, "another").json()["usage"]
    assert other["input_tokens"] == first["input_tokens"]


def test_bare_is_exactly_the_message(fast):
    """A bare message has as many input tokens as the message alone (4 ASCII characters a token), turn after turn."""
    usages = [ask(fast.app, "bare", "abcd" * 50, bare=True).json()["usage"] for _ in range(2)]
    assert [usage["input_tokens"] for usage in usages] == [50, 50]


@pytest.mark.parametrize("n_tokens", [1, 37, 500])
def test_a_wished_length_is_exact(fast, n_tokens):
    """output_tokens gives an answer of exactly that many."""
    assert ask(fast.app, f"length-{n_tokens}", output_tokens=n_tokens).json()["usage"]["output_tokens"] == n_tokens


def test_an_answer_cut_short_says_so(fast):
    """With less max_tokens than the answer needs, the finish reason is max_tokens."""
    done = ask(fast.app, "short", output_tokens=50, max_tokens=10).json()
    assert (done["finish_reason"], done["usage"]["output_tokens"]) == ("max_tokens", 10)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"session": "s" * 65}, "session_id"),
        ({"text": ""}, "message"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"query_type": "fishing"}, "query_type"),
        ({"model": "no.such-model"}, "model"),
    ],
)
def test_a_bad_request_is_a_400(fast, fields, word):
    """What breaks the rules, a model Bedrock doesn't know included, is a bad request that says what is wrong."""
    response = ask(fast.app, **fields)
    assert response.status_code == 400
    assert response.json().keys() == {"error"}
    assert response.json()["error"]["code"] == "bad_request"
    assert word in response.json()["error"]["message"]


def test_what_is_no_json_is_a_400(fast):
    """Malformed JSON is a bad request too; another method or path is none of this API's."""
    response = httpx.post(f"{fast.app.url}/v1/chat", content=b"{")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert httpx.get(f"{fast.app.url}/v1/chat").status_code == 405
    assert httpx.post(f"{fast.app.url}/v2/chat").status_code == 404


def test_a_throttle_is_a_429(start_pair):
    """A call the quota can't hold is refused by Bedrock once and reaches the client as 429 `throttled`."""
    app, bedrock = start_pair("--time-scale", "0", "--tokens-per-minute", "1000")
    response = ask(app, model=HAIKU)
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "throttled"
    assert "Too many tokens" in response.json()["error"]["message"]
    assert [line["outcome"] for line in bedrock.lines()] == ["throttled"]
    assert [(line["outcome"], line["model"]) for line in app.lines()] == [("throttled", HAIKU)]
