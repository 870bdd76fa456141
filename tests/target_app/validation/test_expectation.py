"""target_app.validation.expectation: what the settings make of a chat message."""

import msgspec
import pytest

from target_app.validation.expectation import Expectation, ValidationSettings, expectation
from target_app.validation.finding import Check


def settings(*checks):
    return ValidationSettings(checks=frozenset(checks))


@pytest.mark.parametrize(("question", "language"), [("Hello", "en"), ("こんにちは", "ja"), ("漫画", "ja")])
def test_the_answer_is_to_be_in_the_language_of_the_question(question, language):
    """Kana and kanji ask for Japanese, all else for English."""
    assert expectation(question, None, None, None, settings(Check.LANGUAGE)).language == language


def test_only_what_is_switched_on_is_expected():
    """Without a check, what it would compare with isn't there."""
    assert expectation("Hello", "greeting", None, (), settings()) == Expectation(question="Hello")
    wanted = expectation("Hello", "greeting", "rules", (), settings(Check.LENGTH, Check.GROUNDING, Check.SAFETY))
    assert (wanted.bounds_chars, wanted.sources, wanted.is_safe, wanted.system) == ((2, 600), (), True, "rules")
    assert wanted.language is None


def test_settings_are_read_strictly():
    """From a configuration, checks by their names; a name nobody knows is an error."""
    assert msgspec.convert({"checks": ["safety"]}, ValidationSettings) == settings(Check.SAFETY)
    for wrong in ({"checks": ["spelling"]}, {"check": []}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, ValidationSettings)
