"""A prompt template and the words that fill its placeholders."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from urllib.parse import quote

from loadtester.workload.draw import pick

Language = Literal["en", "ja"]

_LAST_VOLUME: Final = 30
_ORDER_YEARS: Final = range(2024, 2027)
_PLACEHOLDER: Final = re.compile(r"\{(title|volume|order|genre|count|product|user)\}")
#: Products that customers ask for by id, and customers with a cart.
_PRODUCTS: Final = range(1, 1_001)
_USERS: Final = range(1, 501)
_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt with its placeholders cut out: `text` has one `%s` for each of `slots`, which hold the choices."""

    text: str
    slots: tuple[tuple[str, ...], ...]

    def ask(self, drawn: int) -> str:
        """The prompt with each placeholder filled, from 64 drawn bits."""
        return self.text % pick(self.slots, drawn)


def question(prompt: str, language: Language) -> Question:
    """Cut the placeholders out of a prompt; each is drawn anew, braces that hold anything else stay as they are."""
    choices = _slots(language)
    text: list[str] = []
    slots: list[tuple[str, ...]] = []
    for i, part in enumerate(_PLACEHOLDER.split(prompt)):
        if i % 2:
            text.append("MGA-%s-%s%s" if part == "order" else "%s")
            slots.extend(choices[part])
        else:
            text.append(part.replace("%", "%%"))
    return Question("".join(text), tuple(slots))


def http_question(line: str, language: Language) -> Question:
    """The same of a line of HTTP (loadtester.scenario.call): what fills its path is percent-encoded."""
    method, _, rest = line.partition(" ")
    path, space, body = rest.partition(" ")
    asked, said = question(f"{method} {path}", language), question(f"{space}{body}", language)
    encoded = tuple(tuple(quote(choice, safe="") for choice in choices) for choices in asked.slots)
    return Question(f"{asked.text}{said.text}", (*encoded, *said.slots))


def dressed(bare: Question, language: Language) -> Question:
    """The question between opening and closing words, as people vary them.

    Without them a plan of a million requests would repeat its questions far more than real customers do.
    """
    words = built_in()[language]
    return Question(f"%s{bare.text}%s", (tuple(words["openers"]), *bare.slots, tuple(words["closers"])))


def language_of(prompt: str) -> Language:
    """Japanese where there is any kana or kanji, English otherwise."""
    return "ja" if _JAPANESE.search(prompt) else "en"


@cache
def built_in() -> Mapping[str, Any]:
    """The tables of prompts.toml."""
    return tomllib.loads(_read("prompts.toml"))


@cache
def _slots(language: Language) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    words = built_in()[language]
    return {
        "title": (tuple(_read(f"titles_{language}.txt").splitlines()),),
        "volume": (_numbers(range(1, _LAST_VOLUME + 1)),),
        "genre": (tuple(words["genres"]),),
        "count": (tuple(words["counts"]),),
        "product": (tuple(f"MGA-{number:06d}" for number in _PRODUCTS),),
        "user": (tuple(f"u-{number}" for number in _USERS),),
        # MGA-2024-78542: the year, then five digits from two small tables rather than one large.
        "order": (_numbers(_ORDER_YEARS), _numbers(range(100, 1000)), _numbers(range(100), width=2)),
    }


def _numbers(numbers: Iterable[int], width: int = 0) -> tuple[str, ...]:
    return tuple(f"{number:0{width}d}" for number in numbers)


def _read(name: str) -> str:
    return files("loadtester.workload").joinpath(name).read_text(encoding="utf-8")
