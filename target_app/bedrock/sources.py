"""What a prompt gives the model to speak from: products, one `<source>` element a line inside `<sources>`.

`<source id="…">Japanese title | title | volume N | author | ¥price | in stock N | date | summary</source>`
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import msgspec

_SOURCES = re.compile(r"<sources>(.*?)</sources>", re.DOTALL)
_SOURCE = re.compile(r"<source id=\"[^\"]*\">(.*?)</source>", re.DOTALL)
_VOLUME = re.compile(r"volume (\d+)")
_STOCK = re.compile(r"in stock (\d+)")
_N_FIELDS = 7


class Source(msgspec.Struct, frozen=True):
    """One product of the prompt. `price` is as written there (`¥660`); `stock` is None where it is not said."""

    title_ja: str
    title: str
    volume: str
    author: str
    price: str
    stock: int | None
    date: str


def sources_of(texts: Sequence[str]) -> tuple[Source, ...]:
    """The products among `texts`, in their order; an element that lacks a field is passed over."""
    found: list[Source] = []
    for text in texts:
        if "<sources>" in text:
            elements = (element for block in _SOURCES.findall(text) for element in _SOURCE.findall(block))
            found.extend(source for source in map(_read, elements) if source is not None)
    return tuple(found)


def _read(element: str) -> Source | None:
    fields = [field.strip() for field in html.unescape(element).split(" | ")]
    if len(fields) < _N_FIELDS:
        return None
    title_ja, title, volume, author, price, stock, date = fields[:_N_FIELDS]
    number, n_left = _VOLUME.fullmatch(volume), _STOCK.fullmatch(stock)
    if number is None or not price.startswith("¥") or not (title_ja or title):
        return None
    left = int(n_left[1]) if n_left else (0 if stock == "out of stock" else None)
    return Source(title_ja or title, title or title_ja, number[1], author, price, left, date)
