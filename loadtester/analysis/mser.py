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
#: MSER always finds a best cut; that of a steady series is noise. A start counts that is so many half widths of a 95 %
#: interval away from the rest, and by more than a tenth of it (`python tests/bench mser` measures the false alarms).
_SURE: Final = 1.75
_MATTERS: Final = math.log(1.1)
_LONG_BLOCKS: Final = 6.0


def transient_s(sums_s: Floats, counts: Floats) -> int | None:
    """Seconds at the start of a run that are unlike the rest, 0 for none; None where there is too little to tell.

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
    if not cut:
        return 0
    start, rest = batches[:cut], batches[cut:]
    away = abs(float(start.mean() - rest.mean()))
    # What one batch of the rest, on its own, could be off by, likeness to its neighbours included.
    scatter = float(half_width((rest - rest.mean())[:, None], max(2, round(len(rest) / _LONG_BLOCKS)))[0])
    off = scatter / math.sqrt(len(rest)) * math.sqrt(1.0 / cut + 1.0 / len(rest))
    return cut * BATCH_S if away > max(_SURE * off, _MATTERS) else 0


def _cut(batches: Floats) -> int:
    """How many batches to leave out, at most half: where the variance of the rest over its length is least."""
    n = len(batches)
    left = n - np.arange(n // 2 + 1)
    tail = batches[::-1]
    sums, squares = np.cumsum(tail)[::-1], np.cumsum(tail**2)[::-1]
    inner = squares[: len(left)] - sums[: len(left)] ** 2 / left
    return int(np.argmin(inner / left**2))
