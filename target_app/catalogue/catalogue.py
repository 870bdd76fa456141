"""A seeded catalogue of some thousand volumes."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Final, TypeVar

from target_app.stores.product import Product

#: The last day on which something in the catalogue was released, or will be: the same on every day, for the same seed.
_LAST_DAY: Final = date(2026, 6, 30)
_DAYS_APART: Final = (50, 110)
_OLDEST_YEARS: Final = 12
#: Volumes of a title of which nothing but its name is known.
_VOLUMES: Final = (1, 6)
#: Prices are tens of yen before a tax of 10 %: 440 to 990 yen. A series gets dearer as it goes on.
_FIRST_PRICES_TEN_JPY: Final = (40, 72)
_MOST_TEN_JPY: Final = 90
_TAXED: Final = 11
_VOLUMES_A_RISE: Final = 12
_SOLD_OUT: Final = 0.08
_STOCK: Final = (1, 60)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Series:
    title: str
    title_ja: str
    genre: str
    n_volumes: int
    is_english: bool


def catalogue(seed: int = 1) -> tuple[Product, ...]:
    """Every volume, in the order of ids: the same ones for the same seed, in every process and Python."""
    draw = _Draw(seed)
    words = tomllib.loads(_text("words.toml"))
    volumes = (
        volume for series in _all_series(draw, sorted(words["genres"])) for volume in _volumes(series, draw, words)
    )
    return tuple(
        Product(id=f"MGA-{number:06d}", **volume)  # numbered here, so that a volume needn't know what came before it
        for number, volume in enumerate(volumes, 1)
    )


class _Draw:
    """Draws from a seed by `Random.random` alone, the only method whose numbers Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self.share = Random(seed).random

    def between(self, bounds: tuple[int, int]) -> int:
        """A whole number, both bounds included."""
        least, most = bounds
        return least + int(self.share() * (most - least + 1))

    def one(self, options: Sequence[T]) -> T:
        return options[int(self.share() * len(options))]


def _all_series(draw: _Draw, genres: list[str]) -> Iterator[_Series]:
    for row in csv.DictReader(_text("well_known.csv").splitlines()):
        yield _Series(row["title"], row["title_ja"], row["genre"], int(row["volumes"]), is_english=True)
    for title in _text("titles_ja.txt").splitlines():
        yield _Series(title, title, draw.one(genres), draw.between(_VOLUMES), is_english=False)


def _volumes(series: _Series, draw: _Draw, words: dict[str, Any]) -> Iterator[dict[str, Any]]:
    language = "en" if series.is_english else "ja"
    parts = words[language]
    author = _author(draw, words["authors"], language)
    premise = _premise(series, draw, words, language)
    first_ten_jpy = draw.between(_FIRST_PRICES_TEN_JPY)
    for number, released in enumerate(_release_days(series.n_volumes, draw), 1):
        turn = parts["volume"].format(number=number, turn=draw.one(parts["turns"]))
        yield {
            "title": series.title,
            "title_ja": series.title_ja,
            "volume": number,
            "author": author,
            "genre": series.genre,
            "price_jpy": min(first_ten_jpy + 2 * (number // _VOLUMES_A_RISE), _MOST_TEN_JPY) * _TAXED,
            "stock": 0 if draw.share() < _SOLD_OUT else draw.between(_STOCK),
            "released": released.isoformat(),
            "summary": f"{premise} {turn}" if series.is_english else f"{premise}{turn}",
        }


def _author(draw: _Draw, names: dict[str, list[str]], language: str) -> str:
    family, given = draw.one(names[f"family_{language}"]), draw.one(names[f"given_{language}"])
    return f"{given} {family}" if language == "en" else f"{family}{given}"


def _premise(series: _Series, draw: _Draw, words: dict[str, Any], language: str) -> str:
    genre = words["genres"][series.genre]
    return str(
        words[language]["premise"].format(
            hero=draw.one(genre[f"heroes_{language}"]),
            aim=draw.one(genre[f"aims_{language}"]),
            obstacle=draw.one(words[language]["obstacles"]),
            genre=genre["ja"],
        )
    )


def _release_days(n_volumes: int, draw: _Draw) -> list[date]:
    """One a volume, some months apart, back from the day of the last one."""
    day = _LAST_DAY - timedelta(days=draw.between((0, _OLDEST_YEARS * 365)))
    days = [day]
    while len(days) < n_volumes:
        day -= timedelta(days=draw.between(_DAYS_APART))
        days.append(day)
    return days[::-1]


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
