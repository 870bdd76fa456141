"""How bursty arrivals are, at several scales of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def index_of_dispersion(
    due_ns: NDArray[np.int64], *, duration_s: float, windows_s: Sequence[float] = (1, 10, 60, 300)
) -> dict[float, float | None]:
    """Variance over mean of the arrivals per window, by window length in seconds.

    1 is a Poisson process of constant rate at every length; near 0 is a metronome; rising with the length means that
    the rate itself moves. Only windows that fit wholly into the run count, and the variance is that of the windows
    themselves (divided by n). None where fewer than two windows fit, or none has an arrival.
    Source: Cox and Lewis, The Statistical Analysis of Series of Events, 1966, chapter 4.
    """
    return {window_s: _dispersion(due_ns, round(window_s * 1e9), round(duration_s * 1e9)) for window_s in windows_s}


def _dispersion(due_ns: NDArray[np.int64], window_ns: int, length_ns: int) -> float | None:
    windows = length_ns // window_ns
    inside = due_ns[due_ns < windows * window_ns]
    if windows < 2 or not len(inside):  # noqa: PLR2004  a variance takes two
        return None
    counts = np.bincount(inside // window_ns, minlength=windows)
    return float(counts.var() / counts.mean())
