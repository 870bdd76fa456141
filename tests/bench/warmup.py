"""How often a report would say "the warm-up was too short": wrongly of steady series, rightly of slow starts.

Latency and TTFT are judged together, as a report does, on two series drawn apart: that makes the most false alarms.
The table of docs/measurement.md; `python tests/bench warmup`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from loadtester.analysis.mser import transient_s

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))
from known_series import KINDS, seconds_of

RUNS = 400
SEED = 20261
LENGTHS_S = (60, 120, 300, 600)
#: What a second's latency is multiplied by, t seconds after the start; mid-run is no warm-up.
SHAPES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "steady": lambda t, _: np.ones(len(t)),
    "30 s at x 1.5": lambda t, _: np.where(t < 30, 1.5, 1.0),
    "30 s at x 2": lambda t, _: np.where(t < 30, 2.0, 1.0),
    "x 3, fading in 15 s": lambda t, _: 1.0 + 2.0 * np.exp(-t / 15.0),
    "x 0.7 from 43 % on": lambda t, length_s: np.where(t < 0.43 * length_s, 1.0, 0.7),
    "x 1.5 from 60 % on": lambda t, length_s: np.where(t < 0.6 * length_s, 1.0, 1.5),
}


def rows() -> Iterator[tuple[str, str]]:
    """For each shape, length and kind of series the part of the runs of which it is said."""
    for shape, factor in SHAPES.items():
        for seconds in LENGTHS_S:
            factors = factor(np.arange(seconds), seconds)
            said = {kind: _said(kind, seconds, factors) for kind in KINDS}
            yield f"{shape}, {seconds} s", "  ".join(f"{kind} {part:.1%}" for kind, part in said.items())


def _said(kind: str, seconds: int, factors: np.ndarray) -> float:
    return sum(_is_said(kind, seconds, factors, number) for number in range(RUNS)) / RUNS


def _is_said(kind: str, seconds: int, factors: np.ndarray, number: int) -> bool:
    for metric in range(2):
        sums_s, counts = seconds_of(kind, seconds, [SEED, number, metric])
        if transient_s(sums_s * factors, counts):
            return True
    return False
