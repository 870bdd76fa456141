"""A rate curve: requests per second over the time of a run, in straight pieces, and its area both ways.

rate ▲        ╱╲            cumulative ▲          ___
     │   ____╱  ╲                      │      ⟋⟋⟋
     │  │        ╲                     │  ⟋⟋
     └──┴─────────┴──► time            └────────────► time      due times are read off from right to left
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Knots of a rate curve, each array of shape (n,); two knots at one time are a jump.

    `cumulative` is the area under the curve up to each knot, in requests.
    """

    time_s: Floats
    rate_per_s: Floats
    cumulative: Floats

    @property
    def area(self) -> float:
        """Requests under the whole curve."""
        return float(self.cumulative[-1])

    @property
    def duration_s(self) -> float:
        """Length of the curve."""
        return float(self.time_s[-1])


def curve_through(time_s: Sequence[float] | Floats, rate_per_s: Sequence[float] | Floats) -> Curve:
    """The curve through knots that start at time 0 and are in order; raises ValueError where they aren't."""
    time = np.asarray(time_s, dtype=np.float64)
    rate = np.asarray(rate_per_s, dtype=np.float64)
    width = np.diff(time)
    if time[0] != 0 or not (np.isfinite(time).all() and np.isfinite(rate).all()):
        raise ValueError("a curve starts at time 0 and is finite")
    if (width < 0).any() or (rate < 0).any():
        raise ValueError("a curve neither runs backwards nor below zero")
    pieces = width * (rate[1:] + rate[:-1]) / 2
    return Curve(time, rate, np.concatenate(([0.0], np.cumsum(pieces))))


def scaled_to(curve: Curve, area: float) -> Curve:
    """The curve with every rate multiplied by one factor, so that its area is `area`; the length stays."""
    factor = area / curve.area
    return Curve(curve.time_s, curve.rate_per_s * factor, curve.cumulative * factor)


def count_of(curve: Curve) -> int:
    """Requests that the curve makes: its area, rounded.

    The area is taken to 13 digits first: 2.5 that comes out of a sum as 2.4999999999999996 is still 2.5.
    """
    return round(float(f"{curve.area:.13g}"))


def time_at(curve: Curve, areas: Floats) -> Floats:
    """The first time at which the cumulative area reaches each of `areas`, shape (n,), in seconds.

    In a piece that starts with rate r and changes by s a second, area a is reached after x, where r·x + s·x²/2 = a:

        x = 2a / (r + √(r² + 2·s·a))

    which is the root of the quadratic in the form that neither cancels nor divides by a slope of 0.
    Areas beyond the whole give the time at which the whole is reached.
    """
    areas = np.minimum(areas, curve.area)
    width = np.diff(curve.time_s)
    slope = np.divide(np.diff(curve.rate_per_s), width, out=np.zeros_like(width), where=width > 0)
    piece = np.clip(np.searchsorted(curve.cumulative, areas, side="left") - 1, 0, len(width) - 1)
    rate = curve.rate_per_s[piece]
    rest = areas - curve.cumulative[piece]
    root = np.sqrt(np.maximum(rate * rate + 2 * slope[piece] * rest, 0.0))
    # An area that is almost nothing may leave no root either; it is reached at once.
    past = np.divide(2 * rest, rate + root, out=np.zeros_like(rest), where=rate + root > 0)
    return np.asarray(curve.time_s[piece] + np.clip(past, 0.0, width[piece]), dtype=np.float64)


def duration_ns(duration_s: float) -> int:
    """The last whole nanosecond that is not after `duration_s`."""
    return math.floor(duration_s * 1e9)
