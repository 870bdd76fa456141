"""The chat API over HTTP: what is asked, and what its end means (docs/target-api.md)."""

import json

import pytest

from loadtester.drivers.wire.chat import encode_chat, ending_of_done, read_delta, read_done
from loadtester.model import Outcome, Request, Usage

DONE = {
    "request_id": "r-7",
    "session_id": "s-3",
    "model": "haiku",
    "finish_reason": "end_turn",
    "usage": {"input_tokens": 312, "output_tokens": 87, "cache_read_tokens": 1, "cache_write_tokens": 2},
    "timing": {"session": 0.0002, "total": 1.03},
}


def ending_of(**changes):
    data = json.dumps({**DONE, **changes}).encode()
    return ending_of_done(data, read_done(data))


def test_request(chat_request):
    """Every field that the API knows is there under its name; what is not asked for is left out."""
    assert json.loads(encode_chat(chat_request)) == {
        "request_id": "r-7",
        "session_id": "s-3",
        "message": "こんにちは",
        "query_type": "greeting",
        "model": "haiku",
        "max_tokens": 64,
    }
    bare = Request(8, "trace", "ai", "haiku", "x", "s", 1, 64, "ja", want_output_tokens=87, is_bare=True)
    body = json.loads(encode_chat(bare))
    assert (body["bare"], body["output_tokens"]) == (True, 87)


def test_done():
    """The end of an answer tells its reason, tokens, model and timing."""
    ending = ending_of()
    assert (ending.outcome, ending.finish_reason, ending.model) == (Outcome.OK, "end_turn", "haiku")
    assert ending.usage == Usage(312, 87, 1, 2)
    assert ending.timing_s == {"session": 0.0002, "total": 1.03}
    assert ending.detail is None
    assert ending.cache is None


@pytest.mark.parametrize(("said", "layer"), [("exact", "exact"), ("semantic", "semantic"), ("l2", None), (3, None)])
def test_an_answer_from_the_target_s_cache(said, layer):
    """The layer that had the answer is known where it is one of the contract's; another word makes no answer worse."""
    ending = ending_of(cache=said)
    assert (ending.outcome, ending.cache) == (Outcome.OK, layer)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"finish_reason": "max_tokens"}, Outcome.TRUNCATED),
        ({"finish_reason": "guardrail_intervened"}, Outcome.FILTERED),
        ({"finish_reason": None}, Outcome.BROKEN),
        ({"error": {"code": "throttled", "message": "x"}}, Outcome.THROTTLED),
        ({"error": "it failed"}, Outcome.SERVER_ERROR),
        ({"error": None}, Outcome.OK),
    ],
)
def test_ends_that_are_not_well(changes, outcome):
    """A 200 is no success: the reason and an error inside decide."""
    assert ending_of(**changes).outcome is outcome


def test_a_canned_answer():
    """Words written beforehand are no success: the model was unavailable, and the detail says what came instead."""
    ending = ending_of(model="canned", finish_reason="unavailable")
    assert (ending.outcome, ending.detail) == (Outcome.UNAVAILABLE, "the service gave a canned answer")


@pytest.mark.parametrize("wrong", [None, "x", {"total": "slow"}, []])
def test_parts_that_may_be_missing(wrong):
    """Usage and timing that are missing or wrong are None, and the answer is still ok."""
    ending = ending_of(usage=wrong, timing=wrong)
    assert (ending.outcome, ending.usage, ending.timing_s) == (Outcome.OK, None, None)


@pytest.mark.parametrize("data", [b"", b"x", b"[]", b"7", b'{"text":7}', b'{"text":"\xff"}', b'{"text":"a'])
def test_no_json(data):
    """What is not in the API's format is a ValueError, which drivers know."""
    with pytest.raises(ValueError, match=r".*"):
        read_delta(data)


def test_delta():
    """A delta's text is Japanese as well as English."""
    assert read_delta('{"text":"巻"}'.encode()).text == read_delta(b'{"text":"\\u5dfb"}').text == "巻"


@pytest.mark.parametrize(
    ("said", "used"),
    [
        ([{"model": "big", "usage": {"input_tokens": 3, "output_tokens": 4}}], (("big", Usage(3, 4)),)),
        ([{"model": "big", "usage": None}], (("big", None),)),
        ([{"usage": 1}], ()),
        ("nonsense", ()),
        (None, ()),
    ],
)
def test_what_else_was_used(said, used):
    """Calls beside the answer's own are told with their model; what can't be read makes no answer worse."""
    assert (ending_of(also_used=said).also_used, ending_of(also_used=said).outcome) == (used, Outcome.OK)


def test_a_canned_answer_is_no_success():
    """A service that gives up says so, and the answer is not ok."""
    ending = ending_of(model="canned", finish_reason="unavailable", usage={"input_tokens": 0, "output_tokens": 0})
    assert (ending.outcome, ending.detail) == (Outcome.UNAVAILABLE, "the service gave a canned answer")


@pytest.mark.parametrize(
    ("changes", "outcome", "detail"),
    [
        ({"validation": [{"check": "language", "reason": "x"}]}, Outcome.INVALID, "validation: language"),
        (
            {"validation": [{"check": "length"}, {"check": "grounding"}, {"check": "length"}]},
            Outcome.INVALID,
            "validation: grounding, length",
        ),
        (
            {"validation": [{"check": "length"}], "finish_reason": "max_tokens"},
            Outcome.TRUNCATED,
            None,
        ),
        ({"validation": []}, Outcome.OK, None),
        ({"validation": None}, Outcome.OK, None),
        ({"validation": "language"}, Outcome.OK, None),
        ({"validation": [{"reason": "x"}]}, Outcome.OK, None),
        ({"validation": [{"check": ""}]}, Outcome.OK, None),
    ],
)
def test_an_answer_that_the_target_itself_finds_wrong(changes, outcome, detail):
    """It is invalid, with the checks' names, unless it ended badly anyhow; what isn't the contract's says nothing."""
    ending = ending_of(**changes)
    assert (ending.outcome, ending.detail) == (outcome, detail)
    assert ending.usage == Usage(312, 87, 1, 2)


@pytest.mark.parametrize(
    ("said", "stores"),
    [
        (["cache", "sessions", "cache"], ("cache", "sessions")),
        ([], ()),
        (None, ()),
        ("cache", ()),
        ([7], ()),
        ([""], ()),
    ],
)
def test_an_answer_without_some_of_the_stores(said, stores):
    """It is ok, and the stores that it had to do without are known where they are told as the contract says."""
    ending = ending_of(degraded=said)
    assert (ending.outcome, ending.degraded) == (Outcome.OK, stores)
