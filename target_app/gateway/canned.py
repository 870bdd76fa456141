"""Answers written beforehand, in the language of the question; `model` says that no model gave them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

from target_app.chat import Usage
from target_app.model import ModelReply
from target_app.prompting import language_of

#: What a canned answer names as its model.
CANNED: Final = "canned"

Occasion = Literal["unavailable", "unsafe"]

_TEXTS: Final = MappingProxyType(
    {
        ("unavailable", "en"): (
            "I am sorry, I can't answer that just now. Please try again in a few minutes, or browse the catalogue "
            "in the meantime."
        ),
        ("unavailable", "ja"): (
            "申し訳ございません。ただいまお答えすることができません。数分後にもう一度お試しいただくか、"
            "その間カタログをご覧ください。"
        ),
        ("unsafe", "en"): (
            "I am sorry, I can't help with that here. Our customer service will gladly look into it with you."
        ),
        ("unsafe", "ja"): (
            "申し訳ございません。こちらではそのご質問にお答えできません。カスタマーサービスが詳しくご案内いたします。"
        ),
    }
)

#: What is said in the place of a reason to stop: that this is no success, and Bedrock's own word for the second.
_REASONS: Final = MappingProxyType({"unavailable": "unavailable", "unsafe": "guardrail_intervened"})


def canned(occasion: Occasion, question: str) -> ModelReply:
    """The canned answer to `question`, which uses no tokens."""
    return ModelReply(_TEXTS[occasion, language_of(question)], CANNED, _REASONS[occasion], Usage(0, 0))
