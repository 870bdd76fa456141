"""How long answers are: what a lower max_tokens would cut off."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from operator import itemgetter
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Kept:
    """Under a limit, the mean output tokens that are left, and the part of the answers that it cuts (None: unknown)."""

    output: Decimal
    cut: Decimal | None


def counted(lines: Iterable[str]) -> Callable[[tuple[str, str], int], Kept | None]:
    """From the lines of requests.csv.gz: for a query type and the model that answered, and a limit, what is left.

    What was due in the warm-up is left out, as it is of every projection.
    """
    lengths: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    reader = csv.reader(lines)
    head = next(reader, ["query", "answered_by", "output_tokens"])
    # Counted as texts, without a turn of Python for each of millions of lines.
    wanted = ("query", "answered_by", "output_tokens", *(("warmup",) if "warmup" in head else ()))
    read = itemgetter(*map(head.index, wanted))
    for (query, model, tokens, *is_warm), count in Counter(map(read, reader)).items():
        if model and tokens and is_warm != ["1"]:
            lengths[query, model][int(tokens)] += count

    def left(place: tuple[str, str], limit: int) -> Kept | None:
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


def bounded(mean: Decimal, limit: int) -> Kept:
    """All that a mean alone tells: at most this is left, so at least that is saved."""
    return Kept(min(mean, Decimal(limit)), None)


def spread_of(sigmas: Mapping[str, float]) -> Callable[[str, Decimal, int], Kept]:
    """By query type: lognormal where its spread is stated, the bound where it is not."""

    def left(query: str, mean: Decimal, limit: int) -> Kept:
        sigma = sigmas.get(query)
        return bounded(mean, limit) if sigma is None else lognormal(mean, sigma, limit)

    return left
