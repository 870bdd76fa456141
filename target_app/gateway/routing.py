"""Which model a message goes to: the one it names, or the table by query type, or, switched on, by difficulty.

A question is hard where one of these holds, else it is easy:
it asks for prose or judgement (a summary, comparison, recommendation, explanation), or two of the following three are
true of it: it is long, it asks several things at once, it sets conditions. Hard questions go to Sonnet, easy ones to
Haiku. The rule reads words, it doesn't understand: an error costs money or polish, never an answer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import msgspec

from target_app.chat import ChatMessage
from target_app.prompting import ROUTES, language_of, route

#: The two models of MangaAssist's table.
HAIKU: Final = ROUTES["greeting"]
SONNET: Final = ROUTES["recommendation"]

#: A question is long from here on: about three sentences of each language.
_LONG_CHARS: Final = {"en": 240, "ja": 90}
_PROSE: Final = re.compile(
    r"\b(?:why|explain|compar\w+|differen\w+|summar\w+|recommend\w*|suggest\w*|similar|analy[sz]\w+|in detail|plot"
    r"|themes?)\b|なぜ|どうして|理由|比較|比べ|違い|あらすじ|要約|おすすめ|お勧め|オススメ|似た|似て|考察|解説|詳しく",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    r"\b(?:if|unless|except|without|instead|but|for (?:someone|my|a|an)|under|less than)\b"
    r"|ただし|以外|けど|けれど|なら|抜きで|以下|以内|未満|向け",
    re.IGNORECASE,
)


class RoutingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`by_difficulty` takes the place of the table by query type; a model named in the message always wins."""

    by_difficulty: bool = False


def pick(message: ChatMessage, settings: RoutingSettings) -> str:
    """The model to ask. Raises ChatError bad_request for an unknown query type."""
    by_table = route(message)
    if message.model is not None or not settings.by_difficulty:
        return by_table
    return SONNET if difficulty(message.message) == "hard" else HAIKU


def difficulty(question: str) -> Literal["easy", "hard"]:
    """How much a question asks of a model, by the rule above."""
    text = unicodedata.normalize("NFKC", question)
    if _PROSE.search(text):
        return "hard"
    is_long = len(text) > _LONG_CHARS[language_of(text)]
    asks_several = text.count("?") > 1
    return "hard" if is_long + asks_several + bool(_CONDITION.search(text)) > 1 else "easy"
