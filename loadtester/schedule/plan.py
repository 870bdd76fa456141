"""A pattern and its figures to a plan of arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from loadtester.errors import Exit, FmloadError
from loadtester.schedule.arrivals import Arrivals
from loadtester.schedule.curve import Curve, count_of, scaled_to
from loadtester.schedule.day import WEEK_H, WHOLE_DAY, Stretch
from loadtester.schedule.patterns import SHAPES, staged, sustained
from loadtester.schedule.points import poisson_ns, uniform_ns
from loadtester.schedule.production import production
from loadtester.schedule.streams import Stream, generator

#: A plan is held in memory: 20 bytes a request, and up to 86 while production is made (peaks at 5M requests).
REQUESTS_MAX: Final = 100_000_000

#: Figures beyond these are slips, and their products would overflow.
_FIGURE_MAX: Final = 1e12
_AREA_MIN: Final = 1e-12
_YEAR_S: Final = 366 * 86400.0

_NAMES: Final = (*sorted(SHAPES), "production", "stages")


def plan(
    pattern: str,
    *,
    rate_per_s: float,
    duration_s: float,
    requests: int | None,
    arrivals: Literal["uniform", "poisson"],
    stages: Sequence[tuple[float, float]],
    seed: int,
    stretch: Stretch = WHOLE_DAY,
) -> Arrivals:
    """When each request of a run is due.

    Args:
        pattern: sustained, ramp, burst, spike, stages or production.
        rate_per_s: the constant rate, a ramp's last, a spike's base, the mean of burst and production; stages have
            their own.
        duration_s: length of the run; that of stages is their sum.
        requests: scales the rates so that the run has exactly so many; None takes round(area under the rates).
        arrivals: evenly spaced in the area, or a Poisson process of the same total; production has its own.
        stages: (seconds, rate at the end) of each stage.
        seed: of all random numbers, from 0. The same arguments give the same plan.
        stretch: the part of a modelled week that production lays over the run.

    Raises:
        FmloadError: a figure that no plan can be made of.
    """
    curve = _curve(pattern, rate_per_s, duration_s, stages)
    if requests is not None:
        curve = _scaled(curve, requests)
    _require_affordable(curve.area)
    count = count_of(curve) if requests is None else requests
    if pattern == "production":
        is_sound = _is_figure(stretch.start_h) and 0 < stretch.length_h <= WEEK_H
        _require(is_sound, f"the stretch of the modelled week is {stretch}")
        return production(count, duration_s, stretch=stretch, seed=seed)
    if arrivals == "uniform":
        due_ns = uniform_ns(curve, count)
    else:
        due_ns = poisson_ns(curve, count, generator(seed, Stream.POISSON))
    return _separate(due_ns, curve.duration_s)


def _curve(pattern: str, rate_per_s: float, duration_s: float, stages: Sequence[tuple[float, float]]) -> Curve:
    if pattern == "stages":
        is_sound = all(_is_figure(*stage) and min(stage) >= 0 for stage in stages)
        _require(is_sound, f"stages are {list(stages)}")
        length_s = sum(length_s for length_s, _ in stages)
        _require(0 < length_s <= _YEAR_S, f"the stages last {length_s} s")
        return staged(stages)
    if pattern not in _NAMES:
        raise FmloadError(f"no pattern {pattern!r}", remedy=f"Choose from {', '.join(_NAMES)}.", code=Exit.USAGE)
    _require(_is_figure(rate_per_s) and rate_per_s > 0, f"rate is {rate_per_s}/s")
    _require(_is_figure(duration_s) and 0 < duration_s <= _YEAR_S, f"duration is {duration_s} s")
    return SHAPES.get(pattern, sustained)(rate_per_s, duration_s)


def _scaled(curve: Curve, requests: int) -> Curve:
    _require(requests >= 0, f"requests is {requests}")
    _require(curve.area > _AREA_MIN, "all rates are about 0, which can't be scaled to a number of requests")
    return scaled_to(curve, requests)


def _require_affordable(area: float) -> None:
    if area > REQUESTS_MAX:
        raise FmloadError(
            f"the run would have {area:,.0f} requests; a plan holds {REQUESTS_MAX:,}",
            remedy="Lower the rate or the duration, or split the run.",
        )


def _separate(due_ns: NDArray[np.int64], duration_s: float) -> Arrivals:
    """Arrivals that are each a conversation of their own."""
    ids = np.arange(len(due_ns))
    return Arrivals(id=ids, due_ns=due_ns, session=ids, turn=np.ones(len(ids), dtype=np.int32), duration_s=duration_s)


def _is_figure(*values: float) -> bool:
    return all(abs(value) <= _FIGURE_MAX for value in values)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise FmloadError(what, remedy="Give rates, lengths and counts above 0, and a run of a year at most.")
