"""Is the start of a run unlike the rest of it? MSER-5 (White, Simulation 69, 1997)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from loadtester.analysis.resample import Floats, half_width

#: Seconds in a batch, White's five.
BATCH_S: Final = 5
#: Batches below which a start can't be told from a rest.
FEWEST_BATCHES: Final = 10
#: A start is the smaller part of a run: what goes on for longer is a change in the midst of it.
_LONGEST_SHARE: Final = 1 / 3
#: MSER always finds a best cut; that of a steady series is noise. A start counts that is so many half widths of a 95 %
#: interval away from the rest (more where there are few batches to tell the scatter by), and by more than a tenth of
#: it. Chosen so that steady series raise few alarms (`python tests/bench warmup`).
_SURE: Final = 1.6
_FEW: Final = 2.0
_MATTERS: Final = math.log(1.1)
_LONG_BLOCKS: Final = 6.0


def transient_s(sums_s: Floats, counts: Floats) -> int | None:
    """Seconds at the start of a run that are unlike the rest, 0 for none.

    None where there is too little to tell, or no rest that is alike in itself: what changes later on is no warm-up.

    Args:
        sums_s: Each second's sum of latencies, shape (seconds,).
        counts: How many they were.
    """
    n = len(sums_s) // BATCH_S
    if n < FEWEST_BATCHES:
        return None
    sums, sizes = (column[: n * BATCH_S].reshape(n, BATCH_S).sum(axis=1) for column in (sums_s, counts))
    if not sizes.all() or not sums.all():
        return None
    # On a log scale one burst doesn't pass for a state of its own.
    batches = np.log(sums / sizes)
    cut = _cut(batches)
    if cut > _LONGEST_SHARE * n or not _is_level(batches[cut:]):
        return None
    return cut * BATCH_S if cut and _is_unlike(batches[:cut], batches[cut:]) else 0


def _is_unlike(start: Floats, rest: Floats) -> bool:
    """Whether the start is further from the rest than means of so few batches, alike to their neighbours, scatter."""
    away = abs(float(start.mean() - rest.mean()))
    n = len(rest)
    off = _batch_half_width(rest - rest.mean(), n / _LONG_BLOCKS) * math.sqrt(1.0 / len(start) + 1.0 / n)
    return away > max(_SURE * (1.0 + _FEW / n) * off, _MATTERS)


def _is_level(rest: Floats) -> bool:
    """Whether the halves of the rest differ by no more than half a 95 % interval of that, or a tenth."""
    halves = np.array_split(rest, 2)
    away = abs(float(halves[0].mean() - halves[1].mean()))
    # Each half around its own mean: a step between them would pass for scatter.
    inner = np.concatenate([half - half.mean() for half in halves])
    each = _batch_half_width(inner, len(rest) / (2.0 * _LONG_BLOCKS))
    off = each * math.sqrt(sum(1.0 / len(half) for half in halves))
    return away <= max(off, _MATTERS)


def _batch_half_width(deviations: Floats, block: float) -> float:
    """Half a 95 % interval of one batch on its own, which counts likeness to its neighbours: over √n that of a mean."""
    return float(half_width(deviations[:, None], max(2, round(block)))[0]) / math.sqrt(len(deviations))


def _cut(batches: Floats) -> int:
    """How many batches to leave out, at most half: where the variance of the rest over its length is least."""
    n = len(batches)
    left = n - np.arange(n // 2 + 1)
    tail = batches[::-1]
    sums, squares = np.cumsum(tail)[::-1], np.cumsum(tail**2)[::-1]
    inner = squares[: len(left)] - sums[: len(left)] ** 2 / left
    return int(np.argmin(inner / left**2))
