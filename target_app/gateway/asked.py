"""A question as the answer caches see it: where its answer may stand in for another one.

A place is one query type, language, model, kind of prompt, length limit and scope. The scope of an opening question is
everybody; a follow-up depends on what was said before, so that its scope is its conversation up to there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from target_app.chat import ChatMessage
from target_app.gateway.cache_rules import Rule, Titles, refusal
from target_app.prompting import language_of
from target_app.stores.sessions import Exchange


@dataclass(frozen=True, slots=True)
class Asked:
    """`place` is a digest; a `rule`, where there is one, keeps the question out of every cache."""

    question: str
    query_type: str | None
    place: str
    is_global: bool
    rule: Rule | None


def asked(message: ChatMessage, model: str, history: Sequence[Exchange], titles: Titles) -> Asked:
    """What `message` asks of `model` after the exchanges that go along with it."""
    is_global = message.bare or not history
    said = (
        () if is_global else (message.session_id, *(part for each in history for part in (each.question, each.answer)))
    )
    labels = (str(message.query_type), language_of(message.message), model, str(message.bare), str(message.max_tokens))
    return Asked(
        question=message.message,
        query_type=message.query_type,
        place=digest_of(*labels, *said),
        is_global=is_global,
        rule=refusal(message.message, message.query_type, titles)
        if message.output_tokens is None
        else Rule.EXACT_LENGTH,
    )


def digest_of(*parts: str) -> str:
    """A short name for texts; where they are divided matters."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
