"""How often nominal 95 % intervals hold the truth, on series whose truth is known; the table of docs/measurement.md.

Also how often MSER-5 takes a steady series for one with a start of its own. `python tests/bench intervals`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from loadtester.analysis.mser import transient_s

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))
from known_series import KINDS, coverage, seconds_of

RUNS = 200


def rows() -> Iterator[tuple[str, str]]:
    """For each kind of series and length the part of the runs whose intervals hold the truth, the naive ones beside."""
    for seconds in (120, 300, 600):
        for kind in KINDS:
            ours, naive = coverage(kind, seconds=seconds, runs=RUNS, seed=1)
            values = "  ".join(f"{name} {value:.0%}" for name, value in ours.items())
            yield f"{kind}, {seconds} s", values + "  naive " + " ".join(f"{value:.0%}" for value in naive.values())
    for kind in KINDS:
        for seconds in (120, 300, 600):
            alarms = sum(bool(transient_s(*seconds_of(kind, seconds, [2, seed]))) for seed in range(RUNS))
            yield f"MSER-5 false alarms, {kind}, {seconds} s", f"{alarms / RUNS:.1%}"
