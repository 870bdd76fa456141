"""Whether what an answer names was retrieved for it: quoted titles, their volumes, prices in yen.

What the question itself names may be named back, be it only to say that the shop doesn't have it. Sums of prices are
reported, as no source has them; titles that aren't quoted, or not capitalised as titles are, go unseen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from target_app.stores.product import Product

_QUOTED: Final = re.compile(r"『(?P<ja>[^』]{1,120})』|\"(?P<straight>[^\"\n]{1,120})\"|“(?P<curly>[^”\n]{1,120})”")
#: As far as a volume before the title can reach back.
_BEFORE_CHARS: Final = 20
_BEFORE: Final = re.compile(r"\bvol(?:ume|\.)? ?(\d+) of $", re.IGNORECASE)
_AFTER: Final = re.compile(r"(?:,? ?\(?vol(?:ume|\.)? ?(\d+)|(?:の| )?\(?第?(\d+)巻)", re.IGNORECASE)
#: A volume inside the quotation, after the title.
_INSIDE: Final = re.compile(r"^(.+?)(?:[, ]+\(?vol(?:ume|\.)? ?(\d+)\)?|[ (]*第?(\d+)巻\)?| (\d+))$", re.IGNORECASE)
_PRICE: Final = re.compile(
    r"[¥\\] ?(\d[\d,]*)|(?<![\d,])(\d[\d,]*) ?(?:円|(?:-?yen|jpy)(?![a-z]))|\bjpy ?(\d[\d,]*)", re.IGNORECASE
)
_SUBTITLE: Final = re.compile(r"\s*[:(~〜]|\s[-–—]\s")
#: Words that English and romanised titles write small.
_LITTLE: Final = frozenset(
    "a an and as at but by de for from ga in is na ni no of on or the to up vol volume wa with wo x".split()  # noqa: SIM905  words read best as a text
)
_SHOWN_CHARS: Final = 60


class _Named(NamedTuple):
    title: str
    volume: int | None


def grounding_faults(answer: str, sources: Sequence[Product], question: str) -> Iterator[str]:
    """Each title, volume and price of an answer that neither the sources nor the question have."""
    asked = _key(question)
    asked_numbers = set(re.findall(r"\d+", _plain(question).replace(",", "")))
    volumes = _volumes(sources)
    for named in dict.fromkeys(_titles(answer, volumes)):
        known = volumes.get(_key(named.title))
        if known is None:
            if _key(named.title) not in asked:
                yield f"the title {named.title[:_SHOWN_CHARS]!r} is in no source"
        elif named.volume is not None and named.volume not in known and str(named.volume) not in asked_numbers:
            yield f"volume {named.volume} of {named.title[:_SHOWN_CHARS]!r} is in no source"
    prices = {str(product.price_jpy) for product in sources} | asked_numbers
    yield from (
        f"the price ¥{price} is in no source" for price in dict.fromkeys(_prices(answer)) if price not in prices
    )


def _volumes(sources: Sequence[Product]) -> dict[str, set[int]]:
    """The volumes of each title, by each of its names: in both languages, with its subtitle and without."""
    volumes: dict[str, set[int]] = {}
    for product in sources:
        for title in (product.title, product.title_ja):
            for name in (title, _SUBTITLE.split(_plain(title), maxsplit=1)[0]):
                if key := _key(name):
                    volumes.setdefault(key, set()).add(product.volume)
    return volumes


def _titles(answer: str, known: dict[str, set[int]]) -> Iterator[_Named]:
    """What an answer quotes as a title, with the volume said beside it or after it in the quotation."""
    text = _plain(answer)
    for match in _QUOTED.finditer(text):
        title = (match["ja"] or match["straight"] or match["curly"]).strip()
        if match["ja"] is None and not _is_title(title):
            continue
        begin, end = match.span()
        beside = _BEFORE.search(text, max(0, begin - _BEFORE_CHARS), begin) or _AFTER.match(text, end)
        inside = None if _key(title) in known else _INSIDE.search(title)
        if inside is not None:
            title = inside[1]
        yield _Named(title.rstrip(",."), _volume(inside or beside))


def _is_title(quoted: str) -> bool:
    """Whether double quotes hold a title, not speech or a term: its words begin large, but for the little ones."""
    return bool(quoted) and all(not word[0].islower() or word in _LITTLE for word in quoted.split())


def _volume(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    return next((int(group) for group in match.groups() if group and group.isdecimal()), None)


def _prices(answer: str) -> Iterator[str]:
    for groups in _PRICE.findall(_plain(answer)):
        yield next(group for group in groups if group).replace(",", "")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _key(text: str) -> str:
    """A title without case, spaces and punctuation."""
    return "".join(character for character in _plain(text).casefold() if character.isalnum() or character in "ー々")
