"""The patterns of traffic as rate curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from loadtester.schedule.curve import Curve, curve_through

BURSTS: Final = 5
#: Rates in a burst and between bursts, over the mean: 0.2 · 4 = 0.8 and 0.8 · 0.25 = 0.2 of the requests.
BURST_OVER_MEAN: Final = 4.0
BETWEEN_OVER_MEAN: Final = 0.25

SPIKE_OVER_BASE: Final = 10.0
SPIKE_FROM: Final = 0.4
SPIKE_TO: Final = 0.6


def sustained(rate_per_s: float, duration_s: float) -> Curve:
    """The same rate throughout."""
    return curve_through([0, duration_s], [rate_per_s, rate_per_s])


def ramp(rate_per_s: float, duration_s: float) -> Curve:
    """In a line from 0 to the rate, which is reached at the end: half as many requests as sustained."""
    return curve_through([0, duration_s], [0, rate_per_s])


def burst(rate_per_s: float, duration_s: float) -> Curve:
    """Five bursts, each in the middle of its fifth of the time: 80 % of the requests in 20 % of the time.

    `rate_per_s` is the mean.
    """
    parts = 5 * BURSTS
    edges = [0.0]
    rates = [BETWEEN_OVER_MEAN * rate_per_s]
    for start in range(2, parts, 5):
        edges += [duration_s * start / parts] * 2 + [duration_s * (start + 1) / parts] * 2
        rates += [rates[0], BURST_OVER_MEAN * rate_per_s, BURST_OVER_MEAN * rate_per_s, rates[0]]
    return curve_through([*edges, duration_s], [*rates, rates[0]])


def spike(rate_per_s: float, duration_s: float) -> Curve:
    """The rate, ten times the rate for the middle fifth of the time, and the rate again."""
    start, end, peak = SPIKE_FROM * duration_s, SPIKE_TO * duration_s, SPIKE_OVER_BASE * rate_per_s
    return curve_through(
        [0, start, start, end, end, duration_s],
        [rate_per_s, rate_per_s, peak, peak, rate_per_s, rate_per_s],
    )


def staged(stages: Sequence[tuple[float, float]]) -> Curve:
    """Stages of (seconds, rate): in a line from where the stage before ended, 0 at the start, to the stage's rate.

    A stage of 0 s is a jump, as in k6's ramping-arrival-rate.
    """
    times, rates = [0.0], [0.0]
    for length_s, rate_per_s in stages:
        times.append(times[-1] + length_s)
        rates.append(rate_per_s)
    return curve_through(times, rates)


#: The patterns that a rate and a length describe.
SHAPES: Final[Mapping[str, Callable[[float, float], Curve]]] = {
    "burst": burst,
    "ramp": ramp,
    "spike": spike,
    "sustained": sustained,
}
