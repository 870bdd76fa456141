"""What the customers of one query type ask, in each language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadtester.errors import FmloadError
from loadtester.scenario.call import CRUD
from loadtester.scenario.scenario import QueryType
from loadtester.workload.draw import bits
from loadtester.workload.question import Language, Question, built_in, dressed, http_question, language_of, question

#: Part of the requests that is asked in Japanese, for built-in types with prompts in both languages.
JAPANESE_SHARE: Final = 0.30

#: How many popular questions a built-in type has in each language.
N_POPULAR: Final = 8

#: Asked word for word the same by everybody: no opening or closing words, no popular head beside the rest.
_VERBATIM: Final = frozenset({"greeting"})
#: About one customer's own affairs: never asked by a second one.
_PERSONAL: Final = frozenset({"order_status"})


@dataclass(frozen=True, slots=True)
class Voice:
    """The questions of one query type in one language, and those that many customers ask word for word."""

    language: Language
    questions: tuple[Question, ...]
    popular: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voices:
    """All questions of one query type; `japanese_share` of its requests, 0 to 1, is asked in Japanese."""

    english: Voice
    japanese: Voice
    japanese_share: float


def known() -> tuple[str, ...]:
    """Names of the query types with built-in prompts, sorted."""
    return tuple(sorted(built_in()["prompts"]))


def voices(query: QueryType, key: int) -> Voices:
    """The questions of `query`: its own prompts, or the built-in ones of its name; `key` seeds the popular ones.

    Raises FmloadError where it has no prompts and none are built in, or none in its language.
    """
    return _own(query) if query.prompts else _built_in(query, key)


def _own(query: QueryType) -> Voices:
    """The user's prompts as they are; all are equally likely, so the languages share by their number."""
    english: list[Question] = []
    japanese: list[Question] = []
    cut = http_question if query.kind == CRUD else question
    for prompt in query.prompts:
        if (query.language if query.language in ("en", "ja") else language_of(prompt)) == "ja":
            japanese.append(cut(prompt, "ja"))
        else:
            english.append(cut(prompt, "en"))
    share = len(japanese) / len(query.prompts)
    return Voices(Voice("en", tuple(english)), Voice("ja", tuple(japanese)), share)


def _built_in(query: QueryType, key: int) -> Voices:
    prompts = built_in()["prompts"].get(query.name)
    if prompts is None:
        raise FmloadError(
            f"query type {query.name!r} has no prompts, and none are built in under that name",
            remedy=f"Give it `prompts`, or use a built-in name: {', '.join(known())}.",
        )
    offered = {one: prompts[one] for one in prompts if query.language in ("mixed", one)}
    if not offered:
        raise FmloadError(
            f"query type {query.name!r} has no built-in prompts in language {query.language!r}",
            remedy=f"Give it `prompts`, or use a language that it has: {', '.join(sorted(prompts))}.",
        )
    english = _voice(query.name, "en", offered.get("en", ()), key)
    japanese = _voice(query.name, "ja", offered.get("ja", ()), key)
    if len(offered) == 1:
        return Voices(english, japanese, float("ja" in offered))
    return Voices(english, japanese, JAPANESE_SHARE)


def _voice(name: str, language: Language, prompts: Sequence[str], key: int) -> Voice:
    plain = tuple(question(prompt, language) for prompt in prompts)
    if name in _VERBATIM:
        return Voice(language, plain)
    popular = () if name in _PERSONAL or not plain else _popular(plain, bits(key, language == "ja"))
    return Voice(language, tuple(dressed(one, language) for one in plain), popular)


def _popular(questions: Sequence[Question], key: int) -> tuple[str, ...]:
    ranks = (bits(key, rank) for rank in range(1, N_POPULAR + 1))
    return tuple(questions[drawn % len(questions)].ask(bits(drawn, 1)) for drawn in ranks)
