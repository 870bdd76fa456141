"""Which questions may be answered from a cache, and which of two questions are surely not the same: pure rules.

They read words, in English and Japanese. In doubt they refuse: a lost hit costs a call, a false one a wrong answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from target_app.validation.safety import personal_data

#: Cosine similarity from which on two questions of a query type are taken for one, by what a mistake costs.
THRESHOLDS: Final = MappingProxyType(
    {
        "product_lookup": 0.95,
        "price_check": 0.95,
        "japanese_query": 0.945,
        "recommendation": 0.94,
        "manga_summary": 0.94,
        "greeting": 0.94,
    }
)
STRICTEST: Final = 0.95
#: From here to the threshold lie the suspected false hits: misses, but counted.
NEAR: Final = 0.88
#: Longer questions are hardly asked twice, and would take long to read.
LONGEST_CHARS: Final = 500


class Rule(StrEnum):
    """Why a question has nothing to do with a cache."""

    QUERY_TYPE = "query_type"
    EXACT_LENGTH = "exact_length"
    TOO_LONG = "too_long"
    ORDER_NUMBER = "order_number"
    PERSONAL = "personal"
    TIMELY = "timely"
    CART = "cart"


_ORDER_NUMBER: Final = re.compile(r"MGA-\d{4}-\d+|#\s?[\w-]*\d{4,}|\d{6,}", re.IGNORECASE)
# "My" before a capital begins a title (My Hero Academia).
_PERSONAL: Final = re.compile(
    r"\bmy\b(?! (?-i:[A-Z]))|\b(?:mine|our|ours|orders?|ordered|account|address"
    r"|password|invoice|refund|deliver(?:y|ed)|shipped|shipment|package)\b"
    r"|私の|僕の|俺の|自分の|うちの|マイページ|注文|配送|配達|届|会員|アカウント|住所|支払|返品|返金|領収",
    re.IGNORECASE,
)
_TIMELY: Final = re.compile(
    r"\b(?:today|todays|tonight|now|tomorrow|yesterday|currently|at the moment|this (?:week|month|year|morning))\b"
    r"|今日|本日|明日|昨日|今|現在|ただいま|さっき",
    re.IGNORECASE,
)
_CART: Final = re.compile(r"\b(?:cart|basket|checkout|check out)\b|カート|買い物かご|レジ", re.IGNORECASE)
_WORDS: Final = (
    (Rule.ORDER_NUMBER, _ORDER_NUMBER),
    (Rule.PERSONAL, _PERSONAL),
    (Rule.TIMELY, _TIMELY),
    (Rule.CART, _CART),
)

_NEGATION: Final = re.compile(
    r"\b(?:no|not|never|none|nor|neither|nothing|without|except|exclud\w+|cannot|avoid|isnt|dont|doesnt|wont|cant)\b"
    r"|n['’]t\b|\bother than\b"
    r"|ない|なく(?:て|は|、)|なし|無し|ません|ぬ(?:。|$)|ずに|以外|除[いくきけ]|抜き|じゃな|嫌い|苦手|避け|不要|未(?:読|完結|発売)",
    re.IGNORECASE,
)

_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_QUOTED: Final = re.compile(r"『([^』]{1,120})』|「([^」]{1,120})」|[\"“]([^\"”]{1,120})[\"”]")
_CAPITALISED: Final = re.compile(r"(?<![\w'])[A-Z][\w'-]+")
_KATAKANA: Final = re.compile(r"[ァ-ヶー]{2,}")
_KANJI: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々]+")
#: Words that stand at the beginning of a question, or are the shop's own, and name nothing.
_COMMON: Final = frozenset(
    """
    any are can could did do does find for from give has have hello hey hi how i'd i'm i've if in is it jpy
    kindly list looking manga need please price recommend show some suggest summarise summarize tell thanks that
    the there this vol volume want was what what's when where which who will with would yen you
    オススメ コミック シリーズ ストック タイトル マンガ
    一覧 人 人気 何 何円 価格 値段 全 全巻 円 冊 刊 勧 単行本 在庫 好 巻 店 推薦 教 新刊 方 日 最新 最新刊
    最新巻 有 本 漫画 発売 発売日 知 税込 第 紹介 要約 見 話 説明 読 買 購入 販売 面白 内容 似 作品
    """.split()  # noqa: SIM905  words read best as a text
)


def refusal(question: str, query_type: str | None, titles: Titles) -> Rule | None:
    """The rule that keeps a question from every cache, if one does; words inside titles break none."""
    if query_type == "order_status":
        return Rule.QUERY_TYPE
    if len(question) > LONGEST_CHARS:
        return Rule.TOO_LONG
    text = titles.without(_QUOTED.sub(" ", unicodedata.normalize("NFKC", question)))
    if personal_data(text):
        return Rule.PERSONAL
    return next((rule for rule, words in _WORDS if words.search(text)), None)


def normalised(question: str) -> str:
    """A question without what doesn't change it: width of characters, case, spaces."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().split())


def is_negative(question: str) -> bool:
    """Whether something is denied or ruled out: embeddings hardly tell "with" from "without"."""
    return _NEGATION.search(unicodedata.normalize("NFKC", question)) is not None


def differs(one: str, other: str, titles: Titles) -> bool:
    """Whether two questions name other numbers (volumes, prices, how many) or other titles."""
    return any(found(one) != found(other) for found in (_numbers, titles.found, _names))


class Titles:
    """The shop's titles, for finding them in questions however they are written; may be empty."""

    def __init__(self, titles: Iterable[str] = ()) -> None:
        self.learn(titles)

    def learn(self, titles: Iterable[str]) -> None:
        """Know these, and no others, from now on."""
        self._titles = frozenset(normalised(title) for title in titles) - {""}
        self._lengths = sorted({len(title) for title in self._titles}, reverse=True)

    def found(self, question: str) -> frozenset[str]:
        """The titles in a question, the longest at each place."""
        text = normalised(question)
        return frozenset(text[begin:end] for begin, end in self._places(text))

    def without(self, question: str) -> str:
        """A question with its titles taken out; where there is none, as it was."""
        text = normalised(question)
        places = list(self._places(text))
        if not places:
            return question
        ends = [0, *(end for _, end in places)]
        begins = [*(begin for begin, _ in places), len(text)]
        return " ".join(text[end:begin] for end, begin in zip(ends, begins, strict=True))

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where titles begin and end; Latin ones are found as whole words only."""
        begin = 0
        while begin < len(text):
            ends = () if _is_latin(text[begin - 1 : begin + 1]) else (begin + n for n in self._lengths)
            end = next((end for end in ends if self._is_title(text[begin:end], text[end - 1 : end + 1])), None)
            if end is not None:
                yield begin, end
            begin = begin + 1 if end is None else end

    def _is_title(self, piece: str, around_end: str) -> bool:
        return piece in self._titles and not _is_latin(around_end)


def _is_latin(pair: str) -> bool:
    """Whether two neighbouring characters belong to one Latin word or number."""
    return len(pair) > 1 and pair.isascii() and pair.isalnum()


def _numbers(question: str) -> list[str]:
    return sorted(_NUMBER.findall(unicodedata.normalize("NFKC", question).replace(",", "")))


def _names(question: str) -> frozenset[str]:
    """What looks like names: quoted, capitalised, in katakana, in kanji that aren't everyday words of a shop."""
    text = unicodedata.normalize("NFKC", question)
    quoted = {part for groups in _QUOTED.findall(text) for part in groups if part}
    runs = (*_CAPITALISED.findall(text), *_KATAKANA.findall(text), *_KANJI.findall(text))
    plain = {word.casefold() for part in quoted for word in part.split()}
    return frozenset({run.casefold() for run in runs} | plain) - _COMMON
