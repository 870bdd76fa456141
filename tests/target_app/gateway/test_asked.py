"""target_app.gateway.asked: answers stand in for each other only where everything that shapes them is the same."""

import pytest

from target_app.chat import ChatMessage
from target_app.gateway.asked import asked, digest_of
from target_app.gateway.cache_rules import Rule, Titles
from target_app.stores.sessions import Exchange

HISTORY = (Exchange("Any action manga?", "Yes."),)


def ask(text="How much is it?", *, model="haiku", history=(), session_id="s", **fields):
    message = ChatMessage(request_id="r", session_id=session_id, message=text, **fields)
    return asked(message, model, history, Titles())


@pytest.mark.parametrize(
    "other",
    [
        {"model": "sonnet"},
        {"query_type": "price_check"},
        {"max_tokens": 10},
        {"bare": True},
        {"text": "いくらですか"},
        {"history": HISTORY},
    ],
)
def test_what_shapes_an_answer_divides_places(other):
    """Model, query type, length limit, bareness, language and history each make another place."""
    assert ask(**other).place != ask().place


def test_opening_questions_are_everybodys():
    """Without history the session doesn't matter; nor does it to a bare message, which takes no history along."""
    assert ask(session_id="a").place == ask(session_id="b").place
    assert ask(session_id="a").is_global
    assert ask(session_id="a", history=HISTORY, bare=True).place == ask(session_id="b", bare=True).place


def test_follow_ups_belong_to_their_conversation():
    """Another session, or another history in the same one, is another place."""
    place = ask(session_id="a", history=HISTORY).place
    assert not ask(session_id="a", history=HISTORY).is_global
    assert place == ask(session_id="a", history=HISTORY).place
    assert place != ask(session_id="b", history=HISTORY).place
    assert place != ask(session_id="a", history=(*HISTORY, *HISTORY)).place


def test_an_answer_of_an_exact_length_is_never_shared():
    """A replayed trace asks for its own lengths."""
    assert ask(output_tokens=5).rule is Rule.EXACT_LENGTH


def test_where_parts_are_divided_matters():
    """The same characters divided otherwise give another name; lone surrogates are no obstacle."""
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("\ud800") != digest_of("")
