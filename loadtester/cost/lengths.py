"""How long answers are: what a lower max_tokens would cut off."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from loadtester.rundir import request_tables

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class Kept:
    """Under a limit, the mean output tokens that are left, and the part of the answers that it cuts (None: unknown)."""

    output: Decimal
    cut: Decimal | None


class Lengths:
    """How many answers had how many output tokens, by query type and model that answered; owns its counts.

    Answers from the target's cache are none of a model's, and what was due in the warm-up is left out, as it is of
    every projection.
    """

    #: What is read of requests.csv. As categories, numbers would be read as numbers: `warmup` has nothing else.
    KINDS: Final[Mapping[str, str]] = {
        "query": "category",
        "answered_by": "category",
        "output_tokens": "float64",
        "cache": "category",
        "warmup": "float64",
    }

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)

    def add(self, table: DataFrame) -> None:
        """Count some rows of requests.csv. Raises LookupError where it lacks a column."""
        is_told = (table["answered_by"] != "") & table["output_tokens"].notna()
        if "cache" in table:
            is_told &= table["cache"] == ""
        if "warmup" in table:
            is_told &= table["warmup"] != 1
        sizes = table[is_told].groupby(["query", "answered_by", "output_tokens"], observed=True).size()
        for (query, model, tokens), count in zip(sizes.index, sizes.tolist(), strict=True):
            self._counts[query, model][int(tokens)] += count

    def left(self, query: str, model: str, limit: int | Decimal) -> Kept | None:
        """What a limit leaves of the answers of a query type and model; None where there are none."""
        counts = self._counts.get((query, model))
        if counts is None:
            return None
        total = counts.total()
        tokens = sum(min(length, limit) * count for length, count in counts.items())
        cut = sum(count for length, count in counts.items() if length > limit)
        return Kept(Decimal(tokens) / total, Decimal(cut) / total)


def counted(text: Iterable[str]) -> Lengths:
    """The lengths in pieces of requests.csv, each of whole lines. Raises ValueError and LookupError."""
    lengths = Lengths()
    for table in request_tables(text, lambda _row: Lengths.KINDS):
        lengths.add(table)
    return lengths


def lognormal(mean: Decimal, sigma: float, limit: int) -> Kept:
    """E[min(X, limit)] and P(X > limit) of a lognormal length of that mean; `sigma` is of its logarithm."""
    if not mean:
        return Kept(Decimal(0), Decimal(0))
    mu = log(mean) - sigma**2 / 2
    normal = NormalDist()
    above = 1.0 - normal.cdf((log(limit) - mu) / sigma)
    below = exp(mu + sigma**2 / 2) * normal.cdf((log(limit) - mu - sigma**2) / sigma)
    return Kept(Decimal(str(below + limit * above)), Decimal(str(above)))


def bounded(mean: Decimal, limit: int | Decimal) -> Kept:
    """All that a mean alone tells: at most this is left, so at least that is saved."""
    return Kept(min(mean, Decimal(limit)), None)


def spread_of(sigmas: Mapping[str, float]) -> Callable[[str, Decimal, int], Kept]:
    """By query type: lognormal where its spread is stated, the bound where it is not."""

    def left(query: str, mean: Decimal, limit: int) -> Kept:
        sigma = sigmas.get(query)
        return bounded(mean, limit) if sigma is None else lognormal(mean, sigma, limit)

    return left
