"""What a chat message may be, and what it is refused for."""

import json

import pytest

from target_app.chat import parse
from target_app.errors import ChatError, Code

GOOD = {"request_id": "r-1", "session_id": "s-1", "message": "Hello!"}


def test_defaults():
    """Only three fields are needed; unknown ones are ignored, as the WebSocket's `action` is."""
    message = parse(json.dumps({**GOOD, "action": "chat", "colour": "red"}))
    assert (message.request_id, message.session_id, message.message) == ("r-1", "s-1", "Hello!")
    assert (message.max_tokens, message.bare) == (1024, False)
    assert message.query_type is message.model is message.output_tokens is None


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_field_is_named(name):
    """Without one of the three, the error says which."""
    with pytest.raises(ChatError, match=name) as caught:
        parse(json.dumps({key: value for key, value in GOOD.items() if key != name}))
    assert caught.value.code is Code.BAD_REQUEST


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_id", "r" * 65),
        ("request_id", 7),
        ("session_id", "s" * 65),
        ("session_id", None),
        ("message", ["Hello!"]),
        ("message", " \n"),
        ("model", ""),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", True),
        ("bare", "yes"),
        ("output_tokens", 0),
        ("output_tokens", "12"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(name, value):
    """A value of the wrong type or size is a bad request, and the error names the field."""
    with pytest.raises(ChatError, match=name) as caught:
        parse(json.dumps({**GOOD, name: value}))
    assert caught.value.code is Code.BAD_REQUEST


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"chat"', b"\xff\xfe", b'{"message": "\xff"}', b"[" * 9_999])
def test_what_is_no_json_object_is_a_bad_request(data):
    """Bytes that are no JSON object of UTF-8 are refused, not crashed on."""
    with pytest.raises(ChatError) as caught:
        parse(data)
    assert caught.value.code is Code.BAD_REQUEST
