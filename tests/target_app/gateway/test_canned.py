"""target_app.gateway.canned: answers written beforehand."""

import pytest

from target_app.chat import Usage
from target_app.gateway.canned import CANNED, canned
from target_app.validation.language import language_in


@pytest.mark.parametrize("occasion", ["unavailable", "unsafe"])
@pytest.mark.parametrize(("question", "language"), [("How much is Bleach?", "en"), ("在庫はありますか", "ja")])
def test_in_the_language_of_the_question(occasion, question, language):
    """The text is in the asker's language, and no model is named for it."""
    reply = canned(occasion, question)
    assert language_in(reply.text) == language
    assert (reply.model, reply.usage) == (CANNED, Usage(0, 0))


def test_it_is_no_success():
    """How it ends tells a client that no model answered, and why."""
    assert canned("unavailable", "Hello").finish_reason == "unavailable"
    assert canned("unsafe", "Hello").finish_reason == "guardrail_intervened"
