"""How throughput grows with concurrency: the Universal Scalability Law, fitted to the steps of a search.

X(N) = λN / (1 + σ(N-1) + κN(N-1)): λ is the throughput of one request in flight, σ what of the work can't be shared
(contention), κ what keeping in step costs (coherency). Its peak is at N* = √((1-σ)/κ) (N. J. Gunther, Guerrilla
Capacity Planning, Springer 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: (mean requests in flight, answers a second) of one step.
Point = tuple[float, float]
Interval = tuple[float, float]

#: Twice as many as the law has parameters.
FEWEST_POINTS: Final = 6
#: Two points closer than this say the same.
_APART: Final = 1.02
#: Least ratio of the highest to the lowest concurrency.
_REACH: Final = 2.0
#: With fewer in flight on average than this the law, which begins at one, says nothing.
_LEAST_IN_FLIGHT: Final = 1.0
_REPLICATES: Final = 200
#: Contention this near to all of the work leaves no room for growth.
_ALL_SHARED: Final = 1 - 1e-9
#: A peak farther out than this many times what was tried is none in sight.
_SIGHT: Final = 3.0
#: From this part of linear scaling down a service counts as degraded.
LINEAR: Final = 0.9
#: A law whose root mean square of relative errors is larger can't tell linear from degraded itself.
_MOST_OFF: Final = 1 - LINEAR


@dataclass(frozen=True, slots=True)
class Peak:
    """Where the law's throughput is highest, with 95 % intervals."""

    in_flight: float
    in_flight_ci95: Interval
    per_s: float
    per_s_ci95: Interval


@dataclass(frozen=True, slots=True)
class Law:
    """The fitted law; `off` is the root mean square of its relative errors. `peak` is None where none is in sight."""

    per_s_each: float
    contention: float
    coherency: float
    off: float
    peak: Peak | None


@dataclass(frozen=True, slots=True)
class Scaling:
    """`efficiency` is the throughput a request in flight at the last passing step over that at the lightest step.

    `law` is None for the reason `refused`; `no_peak` says why a law has no peak.
    """

    points: int
    efficiency: float | None
    verdict: Literal["linear", "degraded"] | None
    law: Law | None
    refused: str | None = None
    no_peak: str | None = None


def scaling_of(points: Sequence[Point], passed: Point | None) -> Scaling:
    """What the steps say of scaling; `passed` is the highest that passed."""
    sound = sorted(point for point in points if point[0] > 0 and point[1] > 0)
    efficiency = None
    if passed is not None and passed[0] > 0 and sound and passed[0] > _APART * sound[0][0]:
        in_flight, per_s = sound[0]
        efficiency = (passed[1] / passed[0]) / (per_s / in_flight)
    verdict: Literal["linear", "degraded"] | None = None
    if efficiency is not None:
        verdict = "linear" if efficiency >= LINEAR else "degraded"
    usable = [point for point in sound if point[0] >= _LEAST_IN_FLIGHT]
    refused = _refused(usable)
    if refused is not None:
        return Scaling(len(usable), efficiency, verdict, None, refused)
    law, no_peak = _fitted(usable)
    if law.off > _MOST_OFF:
        return Scaling(len(usable), efficiency, verdict, None, _poor(law.off))
    return Scaling(len(usable), efficiency, verdict, law, None, no_peak)


def throughput(in_flight: Floats, per_s_each: float, contention: float, coherency: float) -> Floats:
    """Gunther's X(N), answers a second."""
    beyond = in_flight - 1
    found: Floats = per_s_each * in_flight / (1 + contention * beyond + coherency * in_flight * beyond)
    return found


def _refused(points: Sequence[Point]) -> str | None:
    levels, last = 0, 0.0
    for in_flight, _ in points:
        if in_flight > last * _APART:
            levels, last = levels + 1, in_flight
    if levels < FEWEST_POINTS:
        return (
            f"it needs {FEWEST_POINTS} steps that differ in their requests in flight, one or more on average, "
            f"and there were {levels}"
        )
    if points[-1][0] < _REACH * points[0][0]:
        return "the steps had nearly as many requests in flight: no curve can be told from a line"
    return None


def _poor(off: float) -> str:
    return f"it misses the steps by {off:.0%} (root mean square), more than the {_MOST_OFF:.0%} that it may"


def _fitted(points: Sequence[Point]) -> tuple[Law, str | None]:
    """The law by least squares of relative errors, and why it has no peak; its interval resamples the errors."""
    in_flight, per_s = np.array(points).T
    each, contention, coherency = _fit(in_flight, per_s)
    modelled = throughput(in_flight, each, contention, coherency)
    errors = np.log(per_s / modelled)
    off = float(np.sqrt((errors**2).mean()))
    at = _peak(contention, coherency)
    law = Law(each, contention, coherency, off, None)
    sight = _SIGHT * float(in_flight[-1])
    if contention >= _ALL_SHARED or (at is not None and at <= _LEAST_IN_FLIGHT):
        return law, "throughput does not grow beyond one request in flight"
    if at is None or at > sight:
        return law, f"no peak in sight: throughput still grew at {in_flight[-1]:,.1f} requests in flight"
    generator = np.random.default_rng(1)
    # As many errors as points less three parameters are free.
    spread = errors * math.sqrt(len(points) / (len(points) - 3))
    drawn = [_fit(in_flight, modelled * np.exp(generator.choice(spread, len(points)))) for _ in range(_REPLICATES)]
    peaks = [(found, float(throughput(np.array([found]), *one)[0])) for one in drawn if (found := _peak(*one[1:]))]
    if len(peaks) < (1 - 0.025) * _REPLICATES or np.quantile([found for found, _ in peaks], 0.975) > sight:
        return law, f"a peak near {at:,.0f} in flight is not certain: as likely there is none as far as was tried"
    ends = np.quantile(np.array(peaks), [0.025, 0.975], axis=0)
    top = float(throughput(np.array([at]), each, contention, coherency)[0])
    peak = Peak(
        at,
        (min(at, float(ends[0, 0])), max(at, float(ends[1, 0]))),
        top,
        (min(top, float(ends[0, 1])), max(top, float(ends[1, 1]))),
    )
    return Law(each, contention, coherency, off, peak), None


def _fit(in_flight: Floats, per_s: Floats) -> tuple[float, float, float]:
    from scipy.optimize import nnls  # noqa: PLC0415  heavy

    # N/X = (1 + σ(N-1) + κN(N-1)) / λ is linear in 1/λ, σ/λ and κ/λ; weighed by X/N its errors are relative ones.
    weights = (per_s / in_flight)[:, None]
    columns = np.stack([np.ones_like(in_flight), in_flight - 1, in_flight * (in_flight - 1)], axis=1)
    scale = columns.max(axis=0)
    found = nnls(weights * columns / scale, np.ones_like(in_flight))[0] / scale
    slowest = max(float(found[0]), 1e-12)
    return 1 / slowest, float(found[1]) / slowest, float(found[2]) / slowest


def _peak(contention: float, coherency: float) -> float | None:
    """N*, where throughput falls again beyond it."""
    if coherency <= 0 or contention >= _ALL_SHARED:
        return None
    return math.sqrt((1 - contention) / coherency)
