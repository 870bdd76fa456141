"""How often two runs of the same series are called different; the table of docs/compare.md.

`python tests/bench alarms`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))
from known_series import alarms

PAIRS = 200
SEED = 2_111
KINDS = ("ar 0.5", "ar 0.8", "queue 0.7")


def rows() -> Iterator[tuple[str, str]]:
    """For each kind of series and length, the part of the pairs with a false alarm: by percentile, and in the end."""
    for seconds in (60, 120, 300, 600):
        for kind in KINDS:
            found = alarms(kind, seconds=seconds, pairs=PAIRS, seed=SEED)
            yield f"{kind}, {seconds} s", "  ".join(f"{name} {part:.1%}" for name, part in found.items())
