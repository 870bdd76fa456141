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


def test_what_was_spent_is_said():
    """Tokens that a model used before are billed, so they are reported."""
    assert canned("unsafe", "Hello", Usage(3, 4)).usage == Usage(3, 4)
