"""From a message and its history to the question to the model."""

import re

import pytest

from target_app.chat import ChatMessage
from target_app.errors import ChatError, Code
from target_app.model import Turn
from target_app.prompting import ROUTES, SYSTEM, WINDOW_CHARS, WINDOW_EXCHANGES, call_for, language_of, route, window
from target_app.stores.sessions import Exchange

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def message(text="Hello!", **fields):
    return ChatMessage(request_id="r", session_id="s", message=text, **fields)


def test_query_types_are_routed():
    """Recommendations and summaries go to Sonnet, the five others to Haiku; without a type, Haiku is asked."""
    to_sonnet = {name for name in ROUTES if route(message(query_type=name)) == SONNET}
    assert to_sonnet == {"recommendation", "manga_summary"}
    assert len(ROUTES) == 7
    assert route(message()) == HAIKU


def test_a_model_that_is_given_outranks_the_route():
    """With `model`, that one is asked, whatever the query type."""
    assert route(message(query_type="recommendation", model="m")) == "m"
    assert route(message(query_type="of my own", model="m")) == "m"


def test_an_unknown_query_type_needs_a_model():
    """A type without a route is a bad request when no model is given."""
    with pytest.raises(ChatError, match="query_type") as caught:
        route(message(query_type="of my own"))
    assert caught.value.code is Code.BAD_REQUEST


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello!", "en"),
        ("Élan ✓", "en"),
        ("ワンピース", "ja"),
        ("ｶﾅ", "ja"),
        ("One Piece の新刊", "ja"),
        ("漫画", "ja"),
    ],
)
def test_the_system_prompt_has_the_messages_language(text, language):
    """Any kana or kanji makes it Japanese."""
    assert language_of(text) == language
    assert call_for(message(text), ()).system == SYSTEM[language]


def test_history_comes_before_the_question():
    """The exchanges alternate as user and assistant, the new question is last."""
    call = call_for(message("third"), (Exchange("first", "one"), Exchange("second", "two")))
    assert call.turns == (
        Turn("user", "first"),
        Turn("assistant", "one"),
        Turn("user", "second"),
        Turn("assistant", "two"),
        Turn("user", "third"),
    )


def test_bare_is_the_message_alone():
    """A bare message has no system prompt and no history."""
    call = call_for(message("text", bare=True), (Exchange("first", "one"),))
    assert (call.system, call.turns) == (None, (Turn("user", "text"),))


def test_the_window_keeps_the_newest_whole_exchanges():
    """Over the window's number or characters, the oldest exchanges stay behind; none is cut in two."""
    many = tuple(Exchange(str(n), "") for n in range(WINDOW_EXCHANGES + 3))
    assert window(many) == many[3:]
    third = "x" * (WINDOW_CHARS // 3)
    long = tuple(Exchange(third, str(n)) for n in range(4))
    assert window(long) == long[2:]
    assert window((Exchange("x" * WINDOW_CHARS, "y"),)) == ()
    assert window(()) == ()


def test_labels_fit_bedrock():
    """Request id, query type and wished length go along as strings, with nothing Bedrock would refuse."""
    call = call_for(
        ChatMessage(request_id="r-1 ü'", session_id="s", message="hi", model="m", query_type="日本語", output_tokens=7),
        (),
    )
    assert call.metadata == {"request_id": "r-1 __", "query_type": "___", "output_tokens": "7"}
    assert all(re.fullmatch(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}", value) for value in call.metadata.values())
    assert call_for(ChatMessage(request_id="", session_id="s", message="hi"), ()).metadata == {}
