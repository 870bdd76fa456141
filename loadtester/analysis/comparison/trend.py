"""Where a series of runs changed: the nonparametric change point of a figure from run to run.

E-divisive (Matteson and James, Journal of the American Statistical Association 109, 2014), as it is used on performance
tests run by CI (Daly et al., ICPE 2020): between two parts of a series lies the energy distance

    E(X, Y) = 2 mean|x - y| - mean|x - x'| - mean|y - y'|,      Q = nm / (n + m) · E(X, Y)

and the split with the largest Q is a change where fewer than 1 % of the shuffled series have a split as good. Each part
is then looked at again. No distribution is assumed; values are compared by their logarithms, so that a change of a
tenth counts the same for a fast and for a slow scenario. Like every search by halves it may miss a change that was soon
undone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Chance of a mark on a figure that did not change. Four figures are followed for each scenario: under 5 % together.
_LEVEL: Final = 0.01
_SHUFFLES: Final = 999
#: Runs on either side of a change: fewer than three could be one bad night.
_LEAST: Final = 3
#: The last so many runs are looked at: a quarter of a year of nights.
_MOST: Final = 90
#: Changes of the median by less are real perhaps, but nothing to get up for.
_MARGIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """The series changed before its value number `index` (from 0): the median `before` it and from it on (`after`).

    `p_value` is the part of shuffled series that seem to change as much.
    """

    index: int
    before: float
    after: float
    p_value: float

    @property
    def ratio(self) -> float | None:
        """The later median over the earlier one; None where that is 0."""
        return self.after / self.before if self.before else None


def changes(values: Sequence[float], *, floor: float = 0.0, seed: int = 1) -> tuple[Change, ...]:
    """The changes of a series, the earliest first; none below some ten values, where no chance is small enough.

    Values below `floor` (a rate of throttles that may be 0) count as `floor`. Equal seeds give equal answers.

    Raises ValueError where a value is not above 0 and there is no floor, or is no number.
    """
    first = max(0, len(values) - _MOST)
    kept = np.asarray(values[first:], dtype=np.float64)
    raised = np.maximum(kept, floor)
    if not np.isfinite(raised).all() or (raised <= 0).any():
        raise ValueError("a trend needs values above 0, or a floor")
    logs = np.log(raised)
    cuts = sorted(_cuts(logs, 0, np.random.default_rng(seed)))
    edges = [0, *(cut for cut, _ in cuts), len(kept)]
    found = []
    for number, (cut, p_value) in enumerate(cuts, start=1):
        before = slice(edges[number - 1], cut)
        after = slice(cut, edges[number + 1])
        if abs(float(np.median(logs[after]) - np.median(logs[before]))) >= math.log1p(_MARGIN):
            medians = (float(np.median(kept[before])), float(np.median(kept[after])))
            found.append(Change(first + cut, *medians, p_value))
    return tuple(found)


def _cuts(logs: Floats, start: int, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Where the series divides, and how likely by chance; its parts are divided again."""
    cut, p_value = _best(logs, rng)
    if cut is None or p_value >= _LEVEL:
        return []
    left, right = logs[:cut], logs[cut:]
    return [*_cuts(left, start, rng), (start + cut, p_value), *_cuts(right, start + cut, rng)]


def _best(logs: Floats, rng: np.random.Generator) -> tuple[int | None, float]:
    """The split with the largest Q, and its p-value among shuffled series.

    The shuffles end as soon as the p-value is sure to be above the level (Besag and Clifford, Biometrika 78, 1991).
    """
    if len(logs) < 2 * _LEAST or np.ptp(logs) == 0:
        return None, 1.0
    distance = np.abs(logs[:, None] - logs[None, :])
    scores = _scores(distance)
    cut = int(np.argmax(scores))
    seen, as_good = scores[cut] * (1 - 1e-12), 0
    for _ in range(_SHUFFLES):
        order = rng.permutation(len(logs))
        as_good += bool(_scores(distance[order][:, order]).max() >= seen)
        if (1 + as_good) / (1 + _SHUFFLES) >= _LEVEL:
            return None, 1.0
    return cut + _LEAST, (1 + as_good) / (1 + _SHUFFLES)


def _scores(distance: Floats) -> Floats:
    """Q of each split that leaves at least so many values on either side, shape (n - 2·_LEAST + 1,)."""
    n = len(distance)
    # Pairs within the first i values, then all pairs, of which those between the parts are what neither part has.
    within_left = np.cumsum(np.tril(distance).sum(axis=1))
    total = within_left[-1]
    rows = np.cumsum(distance.sum(axis=1))
    split = np.arange(_LEAST, n - _LEAST + 1)
    left = within_left[split - 1]
    between = rows[split - 1] - 2 * left
    right = total - left - between
    m = n - split
    energy = 2 * between / (split * m) - 2 * left / split**2 - 2 * right / m**2
    return np.asarray(split * m / n * energy, dtype=np.float64)
