"""What is done with an answer that fails validation.

    unsafe                                -> a canned answer, at once
    wrong language, ungrounded, bad length -> one more try: Haiku, a simpler prompt, only the last question
    bad format, keywords                  -> given as it is

A second answer is held against the same expectation; unsafe, it is replaced too, and it is given only where fewer
things are wrong with it. All that was found comes back to be logged.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from target_app.chat import Spent
from target_app.errors import ChatError, Code
from target_app.gateway.canned import CANNED, canned
from target_app.gateway.routing import HAIKU
from target_app.model import ModelCall, ModelReply
from target_app.prompting import language_of
from target_app.validation.expectation import Expectation
from target_app.validation.finding import Check, Finding
from target_app.validation.validate import validate

#: Asks a model, and gives its whole answer. Raises ChatError.
Ask = Callable[[ModelCall], Awaitable[ModelReply]]

_REPAIRABLE: Final = frozenset({Check.LANGUAGE, Check.GROUNDING, Check.LENGTH})
_SIMPLE: Final = MappingProxyType(
    {
        "en": (
            "You answer customers of a manga store. Answer in English only, in one to five short sentences. Name only "
            "titles, volumes and prices that the sources below have; if they don't have it, say that you don't know."
        ),
        "ja": (
            "漫画書店のお客様に答えてください。日本語だけを使い、一文から五文で短く答えます。下の資料にある題名・巻・"
            "価格だけを挙げ、資料にないことは分からないと伝えてください。"
        ),
    }
)
_SOURCES: Final = re.compile(r"<sources>.*?</sources>", re.DOTALL)


class Action(StrEnum):
    """What became of an answer; `kept` has faults, and is given all the same."""

    FIT = "fit"
    KEPT = "kept"
    RETRIED = "retried"
    CANNED = "canned"


@dataclass(frozen=True, slots=True)
class Repaired:
    """The answer to give, with its own usage, and the `findings` in it.

    `found` is all that was found on the way, for the log; `error` the code where the second try failed; `also_used` is
    what the answer cost that is not given, of the same model or of another.
    """

    reply: ModelReply
    action: Action
    findings: tuple[Finding, ...] = ()
    found: tuple[Finding, ...] = ()
    error: str | None = None
    also_used: tuple[Spent, ...] = ()


async def repair(ask: Ask, call: ModelCall, reply: ModelReply, expectation: Expectation) -> Repaired:
    """Give `reply`, the answer to `call`, or a better one in its place, got by `ask`. Never raises ChatError."""
    findings = () if reply.model == CANNED else validate(reply.text, expectation)
    if not findings:
        return Repaired(reply, Action.FIT)
    if _is_unsafe(findings):
        return _replaced(expectation, findings, reply)
    if _REPAIRABLE.isdisjoint(finding.check for finding in findings):
        return Repaired(reply, Action.KEPT, findings, findings)
    return await _second_try(ask, call, reply, findings, expectation)


async def _second_try(
    ask: Ask, call: ModelCall, reply: ModelReply, findings: tuple[Finding, ...], expectation: Expectation
) -> Repaired:
    simple = simpler(call)
    try:
        second = await ask(simple)
    except ChatError as error:
        return Repaired(reply, Action.KEPT, findings, findings, error.code)
    if second.model == CANNED:
        return Repaired(reply, Action.KEPT, findings, findings, Code.UNAVAILABLE)
    again = validate(second.text, msgspec.structs.replace(expectation, system=simple.system))
    found = findings + again
    if _is_unsafe(again):
        return _replaced(expectation, found, reply, second)
    if len(again) < len(findings):
        return Repaired(second, Action.RETRIED, again, found, also_used=_spent(reply))
    return Repaired(reply, Action.KEPT, findings, found, also_used=_spent(second))


def _replaced(expectation: Expectation, found: tuple[Finding, ...], *replies: ModelReply) -> Repaired:
    """A canned answer in the place of `replies`."""
    reply = canned("unsafe", expectation.question)
    return Repaired(reply, Action.CANNED, found=found, also_used=_spent(*replies))


def _spent(*replies: ModelReply) -> tuple[Spent, ...]:
    return tuple(Spent(reply.model, reply.usage) for reply in replies)


def simpler(call: ModelCall) -> ModelCall:
    """The same question to Haiku: without history, and with few rules and the sources where there was a prompt."""
    question = call.turns[-1]
    if call.system is None:
        return replace(call, model=HAIKU, turns=(question,))
    sources = _SOURCES.search(call.system)
    rules = _SIMPLE[language_of(question.text)]
    system = f"{rules}\n{sources[0]}" if sources else rules
    return replace(call, model=HAIKU, system=system, turns=(question,))


def _is_unsafe(findings: tuple[Finding, ...]) -> bool:
    return any(finding.check is Check.SAFETY for finding in findings)
