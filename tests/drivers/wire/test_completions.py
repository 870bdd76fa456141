"""OpenAI's chat completions: what is asked, and what an answer's end means."""

import json

import msgspec
import pytest

from loadtester.drivers.wire.completions import encode_completion, ending_of_completion, read_completion
from loadtester.model import Outcome, Usage


def test_request(chat_request):
    """A stream is asked for with its usage; the limit goes by the name that the server knows."""
    asked = json.loads(encode_completion(chat_request, is_streaming=True, has_old_limit=True))
    assert asked == {
        "model": "haiku",
        "messages": [{"role": "user", "content": "こんにちは"}],
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    asked = json.loads(encode_completion(chat_request, is_streaming=False, has_old_limit=False))
    assert set(asked) == {"model", "messages", "max_completion_tokens"}


@pytest.mark.parametrize(
    ("reason", "has_refused", "outcome"),
    [
        ("stop", False, Outcome.OK),
        ("tool_calls", False, Outcome.OK),
        ("length", False, Outcome.TRUNCATED),
        ("content_filter", False, Outcome.FILTERED),
        ("stop", True, Outcome.FILTERED),
        (None, False, Outcome.BROKEN),
    ],
)
def test_ends(reason, has_refused, outcome):
    """The finish reason decides, but a refusal is one whatever the reason; the usage is kept in each case."""
    usage = msgspec.Raw(b'{"prompt_tokens":5,"completion_tokens":3}')
    ending = ending_of_completion(reason, has_refused=has_refused, usage=usage, model="m")
    assert (ending.outcome, ending.usage, ending.model) == (outcome, Usage(5, 3), "m")
    assert (ending.detail is None) is (bool(reason) and not has_refused)


def test_chunks():
    """Chunks of every kind are read: roles, content, reasoning, the end, the usage without a choice, nulls."""
    for data in (
        {
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
            "usage": None,
        },
        {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}], "model": "m"},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
        {"choices": [{"index": 0, "delta": {"content": None, "tool_calls": [{"index": 0}]}}]},
        {"error": {"message": "x"}},
    ):
        read_completion(json.dumps(data).encode())
