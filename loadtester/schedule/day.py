"""The rate of a modelled stretch of the week: hours of the day, weekend, and a slow wandering of the rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.random import Generator

from loadtester.schedule import calibration
from loadtester.schedule.curve import Curve, Floats, curve_through

WEEK_H: Final = 168
#: Knots of the curve: so many for each time constant of the wandering, and for each modelled hour, at least.
_KNOTS_PER_TAU: Final = 20
_KNOTS_PER_HOUR: Final = 4
#: Follow-up turns come a minute or so after the rate that brought their conversation, which smooths the arrivals' rate:
#: with a wandering of ten minutes its deviation is .90 of the openings' (measured: flat days, 20/s, 30 s windows).
_OPENINGS_OVER_ARRIVALS: Final = 1.11
#: The wandering's time constant is at most this part of the run.
_TAU_OVER_RUN: Final = 1 / 6


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a modelled week, which begins on Monday at midnight, that is laid over a run.

    The default is a whole weekday. `Stretch(14, 1)` over an hour's run is Monday from two to three in real time;
    `Stretch(0, 168)` is the whole week.
    """

    start_h: float = 0.0
    length_h: float = 24.0


WHOLE_DAY: Final = Stretch()


def day_curve(duration_s: float, stretch: Stretch, rng: Generator) -> Curve:
    """The rate of conversations over a run, up to a factor: hour of the week x wandering."""
    tau_s = wandering_tau_s(duration_s)
    pieces = math.ceil(max(_KNOTS_PER_TAU * duration_s / tau_s, _KNOTS_PER_HOUR * stretch.length_h))
    time_s = np.linspace(0.0, duration_s, pieces + 1)
    hour = stretch.start_h + np.linspace(0.0, stretch.length_h, pieces + 1)
    return curve_through(time_s, rate_at_hour(hour) * _wandering(pieces + 1, duration_s / pieces / tau_s, rng))


def rate_at_hour(hour: Floats) -> Floats:
    """Rate at hours of the week (0 is Monday, midnight), shape (n,), over a weekday's mean.

    RAGPulse's hours rather than ServeGen's: people of one time zone who type into one chatbot, as a shop's customers
    do, with their empty night (.05 of the mean) and their evening; ServeGen adds up hundreds of API clients, programs
    among them, and is never below .7. An hour's figure is its mean, so it is put in the hour's middle; between the
    middles the rate moves in a line, and Sunday's last leads to Monday's first.
    """
    weekend = calibration.WEEKEND_OVER_WEEKDAY * np.array(calibration.WEEKEND_BY_HOUR)
    week = np.concatenate([np.tile(calibration.WEEKDAY_BY_HOUR, 5), np.tile(weekend, 2)])
    return np.asarray(np.interp(hour, np.arange(WEEK_H) + 0.5, week, period=WEEK_H), dtype=np.float64)


def wandering_tau_s(duration_s: float) -> float:
    """The wandering's time constant: ten minutes of the run's own seconds, but no more than a sixth of the run.

    Crowds don't gather faster because a day is compressed, so it isn't scaled with the day. But a wave longer than
    the run would only be a factor, which the exact number of requests takes out again: a run of 60 s would look calm,
    and the target never meet a swell. So 60 s see swells of some 10 s, and from an hour on they are the real ten
    minutes: 24 h see about 140 of them, on top of a day at its real pace.
    """
    return min(calibration.MODULATION_TAU_S, _TAU_OVER_RUN * duration_s)


def _wandering(count: int, step_over_tau: float, rng: Generator) -> Floats:
    """Lognormal factors of mean 1, shape (count,): an Ornstein-Uhlenbeck process in the logarithm, sampled exactly.

    x' = a·x + s·√(1 - a²)·z with a = exp(-step/tau), s² = ln(1 + CV²), and z standard normal
    (Gillespie, Physical Review E 54, 1996).
    """
    variance = math.log1p((_OPENINGS_OVER_ARRIVALS * calibration.MODULATION_CV) ** 2)
    keep = math.exp(-step_over_tau)
    kicks = rng.standard_normal(count) * math.sqrt(variance)
    kicks[1:] *= math.sqrt(-math.expm1(-2 * step_over_tau))
    logs = np.fromiter(accumulate(kicks.tolist(), lambda x, kick: keep * x + kick), np.float64, count)
    return np.asarray(np.exp(logs - variance / 2), dtype=np.float64)
