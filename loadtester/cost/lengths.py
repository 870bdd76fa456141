"""How long answers are: what a lower max_tokens would cut off."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from statistics import NormalDist
from typing import Final

from loadtester.rundir import TextFile

#: Rows that are looked at together.
_PIECE: Final = 250_000


@dataclass(frozen=True, slots=True)
class Kept:
    """Under a limit, the mean output tokens that are left, and the part of the answers that it cuts (None: unknown)."""

    output: Decimal
    cut: Decimal | None


def counted(text: Iterable[str]) -> Callable[[tuple[str, str], int | Decimal], Kept | None]:
    """From pieces of requests.csv, each of whole lines: by query type and model that answered, what a limit leaves.

    Answers from the target's cache are none of a model's, and what was due in the warm-up is left out, as it is of
    every projection. Raises ValueError.
    """
    import pandas as pd  # noqa: PLC0415  heavy, and only reports and bills need it

    wanted = ("query", "answered_by", "output_tokens", "cache", "warmup")
    pieces = pd.read_csv(  # type: ignore[call-overload]  # the stubs want each dtype as a type of its own
        TextFile(text),
        usecols=lambda name: name in wanted,
        # As categories, numbers would be read as numbers: `warmup` has nothing else.
        dtype=dict.fromkeys(wanted, "category") | dict.fromkeys(("output_tokens", "warmup"), "float64"),
        keep_default_na=False,
        na_values={"output_tokens": [""], "warmup": [""]},
        chunksize=_PIECE,
        index_col=False,
    )
    lengths: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for piece in pieces:
        is_told = (piece["answered_by"] != "") & piece["output_tokens"].notna()
        if "cache" in piece:
            is_told &= piece["cache"] == ""
        if "warmup" in piece:
            is_told &= piece["warmup"] != 1
        sizes = piece[is_told].groupby(["query", "answered_by", "output_tokens"], observed=True).size()
        for (query, model, tokens), count in sizes.items():
            lengths[query, model][int(tokens)] += int(count)

    def left(place: tuple[str, str], limit: int | Decimal) -> Kept | None:
        counts = lengths.get(place)
        if counts is None:
            return None
        total = counts.total()
        tokens = sum(min(length, limit) * count for length, count in counts.items())
        cut = sum(count for length, count in counts.items() if length > limit)
        return Kept(Decimal(tokens) / total, Decimal(cut) / total)

    return left


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
