"""Due times on a rate curve: evenly spaced in its area, or a Poisson process."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from loadtester.schedule.curve import Curve, duration_ns, time_at

#: Arrivals worked on at a time: what lies between stays in the processor's cache, and memory is that of the result.
_CHUNK: Final = 1 << 17


def uniform_ns(curve: Curve, count: int) -> NDArray[np.int64]:
    """Due times where the area reaches ½, 1½, 2½ …, shape (count,), sorted, in 0..duration.

    Not 1, 2, 3 …: with the half, the arrivals up to any moment are the area up to it, *rounded*. So the total is
    round(area) and the last arrival is inside the run even where the area is 9.6, a spike's middle fifth holds ten
    times its neighbours to the request, and planned and curve are never more than half a request apart. With whole
    numbers the plan would lag half a request behind on average, and an arrival on the edge of two phases would
    count for the later one. Each time is computed on its own, so nothing drifts.
    """
    due = np.empty(count, dtype=np.int64)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        due[start:stop] = _due_ns(curve, np.arange(start, stop, dtype=np.float64) + 0.5)
    return _in_order(due)


def poisson_ns(curve: Curve, count: int, rng: Generator) -> NDArray[np.int64]:
    """Due times of a Poisson process on the curve, given that it has `count` arrivals, sorted, in 0..duration.

    Given their number, the arrivals of a Poisson process are that many independent draws from the curve's density
    (Kingman, Poisson Processes, 1993, section 2.4): sorted uniforms of the area, through its inverse.
    """
    areas = np.sort(rng.random(count)) * curve.area
    due = np.empty(count, dtype=np.int64)
    for start in range(0, count, _CHUNK):
        due[start : start + _CHUNK] = _due_ns(curve, areas[start : start + _CHUNK])
    return _in_order(due)


def _due_ns(curve: Curve, areas: NDArray[np.float64]) -> NDArray[np.int64]:
    due = np.rint(time_at(curve, areas) * 1e9).astype(np.int64)
    return np.minimum(due, duration_ns(curve.duration_s))


def _in_order(due_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same times, sorted for certain.

    Where the rate rises, two areas a rounding error apart could come out crossed, and then a nanosecond apart. Not seen
    in tens of millions of arrivals, but the engine relies on the order, and it costs little.
    """
    return np.maximum.accumulate(due_ns, out=due_ns)
