"""target_app.gateway.fallback: who answers in whose place."""

from target_app.gateway.fallback import FallbackSettings, chain
from target_app.gateway.routing import HAIKU, SONNET


def test_sonnet_then_haiku():
    """Sonnet has Haiku behind it; Haiku and models nobody knows have none."""
    settings = FallbackSettings(enabled=True)
    assert chain(SONNET, settings) == (SONNET, HAIKU)
    assert chain(HAIKU, settings) == (HAIKU,)
    assert chain("mine", settings) == ("mine",)


def test_off_by_default():
    """Switched off, a model stands for itself alone."""
    assert chain(SONNET, FallbackSettings()) == (SONNET,)


def test_a_circle_ends():
    """No model is asked twice."""
    assert chain("a", FallbackSettings(enabled=True, after={"a": "b", "b": "c", "c": "a"})) == ("a", "b", "c")
