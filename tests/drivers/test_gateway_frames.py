"""The codec of chat frames: what goes out, and what each frame that may come back means."""

import json

import pytest

from loadtester.drivers.wire.chat import request_id_of
from loadtester.drivers.wire.gateway_frames import encode_message, read_delta, read_end
from loadtester.model import Outcome, Request, Usage

DONE = {
    "type": "done",
    "request_id": "r-7",
    "session_id": "s-3",
    "model": "haiku",
    "finish_reason": "end_turn",
    "usage": {"input_tokens": 312, "output_tokens": 87, "cache_read_tokens": 5, "cache_write_tokens": 6},
    "timing": {"session": 0.5, "total": 1},
}


def request(**changes):
    fields = {
        "id": 7,
        "query": "greeting",
        "kind": "ai",
        "model": "haiku",
        "prompt": "こんにちは “hi”\n",
        "session": "s-3",
        "turn": 1,
        "max_tokens": 64,
        "language": "ja",
    }
    return Request(**(fields | changes))


def read(message):
    """What the connection does with each message."""
    delta = read_delta(message)
    return delta if delta.type == "delta" else read_end(message)


def frame(**changes):
    return json.dumps(DONE | changes).encode()


def test_a_message_holds_what_the_contract_says():
    """Each field of the request has its place; options that are not wanted are left out."""
    assert json.loads(encode_message(request())) == {
        "action": "chat",
        "request_id": "r-7",
        "session_id": "s-3",
        "message": "こんにちは “hi”\n",
        "query_type": "greeting",
        "model": "haiku",
        "max_tokens": 64,
    }
    traced = json.loads(encode_message(request(is_bare=True, want_output_tokens=12)))
    assert (traced["bare"], traced["output_tokens"]) == (True, 12)


def test_a_delta_is_its_text():
    """A delta gives its text and the request that it belongs to, whatever else it holds."""
    delta = read_delta(
        json.dumps({"type": "delta", "request_id": request_id_of(request()), "text": "あ", "p": [1]}).encode()
    )
    assert (delta.type, delta.request_id, delta.text) == ("delta", "r-7", "あ")


def test_done_is_a_whole_ending():
    """Outcome, reason, model, usage and timing of a done frame all reach the Ending."""
    end = read_end(frame())
    assert end.request_id == "r-7"
    assert end.ending.outcome is Outcome.OK
    assert (end.ending.finish_reason, end.ending.model) == ("end_turn", "haiku")
    assert end.ending.usage == Usage(312, 87, 5, 6)
    assert end.ending.timing_s == {"session": 0.5, "total": 1.0}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"finish_reason": "max_tokens"}, Outcome.TRUNCATED),
        ({"finish_reason": "guardrail_intervened"}, Outcome.FILTERED),
        ({"finish_reason": "stop_sequence"}, Outcome.OK),
        ({"finish_reason": None}, Outcome.BROKEN),
    ],
)
def test_the_finish_reason_decides_the_outcome(changes, outcome):
    """An answer is only ok if it ended on its own."""
    assert read_end(frame(**changes)).ending.outcome is outcome


def test_done_is_the_same_over_every_transport():
    """One reader serves frames and HTTP: cache, and an error where an answer should be."""
    assert read_end(frame(cache="semantic")).ending.cache == "semantic"
    assert read_end(frame(error={"code": "throttled", "message": "slow down"})).ending.outcome is Outcome.THROTTLED


@pytest.mark.parametrize("changes", [{"usage": None}, {"usage": {"input_tokens": "many"}}, {"usage": [1]}])
def test_an_answer_without_a_sound_usage_is_still_an_answer(changes):
    """Missing is None, never 0."""
    ending = read_end(frame(**changes)).ending
    assert (ending.outcome, ending.usage) == (Outcome.OK, None)


def test_timing_that_is_no_numbers_is_none():
    """A broken timing costs the timing, not the answer."""
    ending = read_end(frame(timing={"total": "long"})).ending
    assert (ending.outcome, ending.timing_s) == (Outcome.OK, None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("bad_request", Outcome.CLIENT_ERROR),
        ("throttled", Outcome.THROTTLED),
        ("unavailable", Outcome.UNAVAILABLE),
        ("model_timeout", Outcome.MODEL_TIMEOUT),
        ("model_error", Outcome.SERVER_ERROR),
        ("internal", Outcome.SERVER_ERROR),
        ("a_word_nobody_knows", Outcome.SERVER_ERROR),
    ],
)
def test_every_error_code_has_its_outcome(code, outcome):
    """The table of the contract, line by line."""
    error = {"type": "error", "request_id": "r-7", "error": {"code": code, "message": "why"}}
    end = read_end(json.dumps(error).encode())
    assert (end.request_id, end.ending.outcome, end.ending.detail) == ("r-7", outcome, f"{code}: why")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Forbidden", Outcome.CLIENT_ERROR),
        ("Internal server error", Outcome.SERVER_ERROR),
        ("Limit exceeded", Outcome.THROTTLED),
        ("Too Many Requests", Outcome.THROTTLED),
        ("Service Unavailable", Outcome.UNAVAILABLE),
        ("Endpoint request timed out", Outcome.MODEL_TIMEOUT),
        ("Endpoint request timed out.", Outcome.MODEL_TIMEOUT),
        ("something else", Outcome.SERVER_ERROR),
    ],
)
def test_every_message_of_the_gateway_has_its_outcome(text, outcome):
    """API Gateway's own frames name no request: they end the one that is in flight."""
    end = read_end(json.dumps({"message": text, "connectionId": "c=", "requestId": "x="}).encode())
    assert (end.request_id, end.ending.outcome, end.ending.detail) == (None, outcome, f"API Gateway: {text}")


def test_what_a_service_says_is_shown_without_secrets():
    """A detail holds no credential, and is short."""
    error = {
        "type": "error",
        "error": {"code": "internal", "message": "Authorization: Bearer abcdef123456 " + "x" * 999},
    }
    detail = read_end(json.dumps(error).encode()).ending.detail
    assert "abcdef" not in detail
    assert len(detail) <= 120


def test_a_frame_of_a_new_kind_ends_nothing():
    """Services may send frames that the contract does not know yet."""
    assert read_end(b'{"type": "sources", "request_id": "r-7", "message": "x"}') is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"nope",
        b"[1]",
        b"3",
        b"null",
        b"{",
        b"{}",
        b'{"type": 3}',
        b'{"message": 3}',
        b'{"type": "done", "model": 1}',
    ],
)
def test_what_is_no_frame_raises(garbage):
    """Everything that is not the JSON of a frame is a ValueError, from one decoder or the other."""
    with pytest.raises(ValueError):  # noqa: PT011  the decoder's own words are not ours to hold it to
        read(garbage)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc3"])
def test_text_that_is_no_utf8_raises(text):
    """A delta's text is UTF-8, or it is no delta."""
    with pytest.raises(ValueError):  # noqa: PT011  see above
        read_delta(b'{"type":"delta","text":"' + text + b'"}')
