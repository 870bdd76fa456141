"""How often nominal 95 % intervals hold the truth, on series whose truth is known; the table of docs/measurement.md.

`python tests/bench intervals`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))
from known_series import KINDS, PERCENTS, coverage

RUNS = 200
#: Not one of those that the method was tuned on.
SEED = 2_111
NAMES = (*PERCENTS, "mean")


def rows() -> Iterator[tuple[str, str]]:
    """For each kind of series and length the part of the runs whose intervals hold the truth, the naive ones beside.

    `open` is the part of the runs in which an interval's upper end is the highest value seen.
    """
    for seconds in (120, 300, 600):
        for kind in KINDS:
            ours, naive, opened = coverage(kind, seconds=seconds, runs=RUNS, seed=SEED)
            values = "  ".join(f"{name} {ours[name]:.1%}" if name in ours else f"{name} none" for name in NAMES)
            others = "  naive " + " ".join(f"{value:.0%}" for value in naive.values())
            ends = "  open " + " ".join(f"{name} {value:.0%}" for name, value in opened.items() if value)
            yield f"{kind}, {seconds} s", values + others + ends
