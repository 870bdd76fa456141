"""A 95 % interval for a bill: circular block bootstrap over a run's seconds.

Seconds of a load test are alike to their neighbours, so blocks of them are drawn, not single ones. The length of a
block is the automatic choice of Politis and White (Econometric Reviews 23, 2004) as corrected by Patton, Politis and
White (28, 2009), for the circular bootstrap.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Fewer seconds say too little of how they vary.
FEWEST_S = 30
_REPLICATES = 2_000
_TAIL = 0.025
#: Replicates are drawn in so many parts, which bounds memory.
_CHUNKS = 10


def block_length(series: Floats) -> int:
    """Seconds in a block, for a series of n values: 1 where neighbours are independent, at most min(3√n, n/3)."""
    n = len(series)
    centred = series - series.mean()
    variance = float(centred @ centred) / n
    if n < FEWEST_S or variance == 0.0:
        return 1
    widest = math.ceil(math.sqrt(n)) + max(5, math.ceil(math.sqrt(math.log10(n))))
    covariances = np.array([float(centred[lag:] @ centred[: n - lag]) / n for lag in range(min(widest, n - 1) + 1)])
    bandwidth = _bandwidth(covariances / variance, n)
    lags = np.arange(1, bandwidth + 1)
    # The flat-top window: 1 up to half the bandwidth, then down to 0.
    window = np.clip(2.0 * (1.0 - lags / bandwidth), 0.0, 1.0)
    spectrum = variance + 2.0 * float(window @ covariances[lags])
    slope = 2.0 * float((window * lags) @ covariances[lags])
    if spectrum <= 0.0:
        return 1
    length = math.cbrt(1.5 * (slope / spectrum) ** 2 * n)
    return max(1, min(round(length), math.ceil(min(3 * math.sqrt(n), n / 3))))


def _bandwidth(correlations: Floats, n: int) -> int:
    """Twice the lag after which correlations are noise for a while."""
    run = max(5, math.ceil(math.sqrt(math.log10(n))))
    noise = 2.0 * math.sqrt(math.log10(n) / n)
    last = len(correlations) - 1
    is_noise = np.abs(correlations) < noise
    quiet = next((lag for lag in range(last - run + 1) if is_noise[lag + 1 : lag + run + 1].all()), last // 2)
    return max(1, min(2 * max(quiet, 1), last))


def sums(columns: Floats, length: int, seed: int) -> Floats:
    """Sums over resampled runs: shape (replicates, columns), from per-second values of shape (seconds, columns)."""
    n = len(columns)
    count = max(1, round(n / length))
    wrapped = np.concatenate([columns, columns[: length - 1]])
    reach = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(wrapped, axis=0)])
    blocks = reach[length:] - reach[:-length]
    starts = np.random.default_rng(seed).integers(0, n, size=(_REPLICATES, count))
    drawn = np.concatenate([_times(some, n) @ blocks for some in np.array_split(starts, _CHUNKS)])
    result: Floats = drawn * (n / (count * length))
    return result


def _times(starts: NDArray[np.int64], n: int) -> Floats:
    """How often each replicate draws each of n blocks: (replicates, draws) becomes (replicates, n)."""
    rows = len(starts)
    places = (starts + np.arange(rows)[:, None] * n).ravel()
    return np.bincount(places, minlength=rows * n).astype(np.float64).reshape(rows, n)


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the replicates."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return float(low), float(high)
