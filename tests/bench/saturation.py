"""How often `--stop-when-saturated` stops a run that it should not, and finds one that it should; for docs/cli.md.

`python tests/bench saturation`, some minutes. The seeds are none of those that the rule was chosen on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))
from queue_runs import CAPACITY, queue, seen

RUNS = 300
#: Far from those that the rule was chosen on.
FIRST_SEED = 2_000_000
#: The second from which on too much is asked, of runs that end after `LONG_S`.
FROM_S = 60
LONG_S, SHORT_S = 300, 60
_Z = 1.959963984540054


def rows() -> Iterator[tuple[str, str]]:
    """The bench's lines: false alarms first, then what is found, and how soon."""
    for length_s in (SHORT_S, LONG_S):
        for load in (0.8, 0.9, 0.95):
            yield f"{length_s} s at {load:.0%} of the capacity", _stopped(np.full(length_s, load))
        yield f"{length_s} s, climbing from 10 % to 90 %", _stopped(np.linspace(0.1, 0.9, length_s))
    for from_s in (0, FROM_S):
        for load in (1.1, 1.3, 2.0):
            found = _found(np.where(np.arange(LONG_S) < from_s, 0.5, load))
            after_s = [at_s - from_s for at_s in found if at_s is not None and at_s > from_s]
            took = f"{np.median(after_s):.0f} s later in the median, {max(after_s):.0f} s at most" if after_s else ""
            yield f"{LONG_S} s, {load:.0%} from {from_s} s on", f"{_share(len(after_s))} found, {took}"


def _stopped(loads: np.ndarray) -> str:
    return f"{_share(sum(at_s is not None for at_s in _found(loads)))} stopped"


def _found(loads: np.ndarray) -> list[float | None]:
    """When each run would be stopped, None for never."""
    found = [seen(queue(FIRST_SEED + number, loads * CAPACITY)) for number in range(RUNS)]
    return [None if one is None else one.seen_s for one in found]


def _share(count: int) -> str:
    """With its 95 % interval (Wilson, Journal of the American Statistical Association 22, 1927)."""
    share = count / RUNS
    middle = share + _Z**2 / (2 * RUNS)
    half = _Z * (share * (1 - share) / RUNS + _Z**2 / (4 * RUNS**2)) ** 0.5
    low, high = ((middle + side * half) / (1 + _Z**2 / RUNS) for side in (-1, 1))
    return f"{count} of {RUNS} ({share:.1%}, {max(0.0, low):.1%} to {high:.1%})"
