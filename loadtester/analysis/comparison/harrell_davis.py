"""Quantiles of a histogram that don't jump from one answer to the next: Harrell and Davis, Biometrika 69 (1982).

    Q(p) = Σ_i w_i · x_(i),   w_i = I(i/n; a, b) - I((i-1)/n; a, b),   a = (n+1)·p,  b = (n+1)·(1-p)

with I the regularised incomplete beta function. Values of one bucket are the same value, its middle, so that the sum
runs over buckets, with the cumulative share of the answers in place of i/n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loadtester.recorder import Histogram, buckets

_CONFIDENCE = 0.95


def harrell_davis_s(histogram: Histogram, percents: Sequence[float]) -> NDArray[np.float64]:
    """The quantiles in seconds, shape (percents,); percents lie within 0 and 100, the histogram holds a value."""
    from scipy.special import betainc  # noqa: PLC0415  heavy, and every run imports this

    used = np.flatnonzero(histogram.counts)
    counts = histogram.counts[used]
    n = int(counts.sum())
    shares = np.concatenate([[0.0], np.cumsum(counts) / n])
    shares[-1] = 1.0
    p = np.array(percents)[:, None] / 100.0
    weights = np.diff(betainc((n + 1) * p, (n + 1) * (1 - p), shares[None, :]), axis=1)
    values: NDArray[np.float64] = weights @ buckets.middle_us(used) / 1e6
    return values


def samples_needed(percent: float) -> int:
    """Values below which a percentile, or its mirror image, has no one-sided 95 % bound: ln 0.05 / ln p."""
    p = max(percent, 100.0 - percent) / 100.0
    return math.ceil(math.log(1 - _CONFIDENCE) / math.log(p) - 1e-9)
