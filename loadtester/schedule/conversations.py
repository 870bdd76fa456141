"""Conversations on a rate curve: when each enters the run, and its turns from there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from loadtester.schedule import calibration
from loadtester.schedule.curve import Curve, Floats, curve_through, time_at
from loadtester.schedule.streams import Stream, generator

#: No conversation is longer; without the cap one in sixty million would be.
TURNS_MAX: Final = 45
#: Chance to go on after turn 1, 2 … TURNS_MAX.
GO_ON: Final = np.array(
    [*calibration.CONTINUE_PROBABILITY[:-1], *[calibration.CONTINUE_PROBABILITY[-1]] * (TURNS_MAX - 6), 0.0]
)
#: Chance that a conversation has a turn 1, 2 … TURNS_MAX; their sum is its mean length.
REACHES: Final = np.array(list(accumulate([1.0, *GO_ON[:-1]], mul)))
TURNS_MEAN: Final = float(REACHES.sum())

#: Knots of the curve of those that were under way: one at 0 and the rest from a millisecond, evenly in the logarithm.
_KNOTS: Final = 400


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns inside the run, all arrays of shape (n,), in no order: whose, which (from 0 in the run), and when."""

    conversation: NDArray[np.int64]
    turn: NDArray[np.int32]
    time_s: Floats


class Talk:
    """Draws conversations that have a turn in the run; owns its random streams.

    New ones open at the curve's rate. Others were under way when the run began: the traffic before it is taken to
    have stood at the curve's first rate since ever. If r conversations open a second, r·(mean turns - 1) gaps begin a
    second, and the share 1 - F(t) of those that began before 0 ends later than t (F is a gap's distribution). So
    conversations *enter* the run at the rate

        curve(t) + curve(0) · (mean turns - 1) · (1 - F(t))

    and all turns together are stationary where the curve is flat, with no edge at 0 and no past to be generated.
    (The forward recurrence time of renewal theory: Cox, Renewal Theory, 1962, section 5.2.)
    """

    def __init__(self, curve: Curve, seed: int) -> None:
        self._new = curve
        self._under_way = _under_way(float(curve.rate_per_s[0]) * (TURNS_MEAN - 1), curve.duration_s)
        self._openings = generator(seed, Stream.OPENINGS)
        self._turns = generator(seed, Stream.TURNS)
        self._gaps = generator(seed, Stream.GAPS)

    def draw(self, count: int) -> Turns:
        """`count` conversations, independent of each other: every turn of theirs that falls inside the run."""
        time_s, past = self._enter(count)
        who = np.arange(count)
        turn = 0
        rows = [Turns(who, np.full(len(who), turn, dtype=np.int32), time_s)]
        while len(who):
            goes_on = self._turns.random(len(who)) < GO_ON[past + turn]
            who, past = who[goes_on], past[goes_on]
            time_s = time_s[goes_on] + _gaps(len(who), self._gaps)
            is_inside = time_s < self._new.duration_s
            who, past, time_s = who[is_inside], past[is_inside], time_s[is_inside]
            turn += 1
            rows.append(Turns(who, np.full(len(who), turn, dtype=np.int32), time_s))
        return joined(rows)

    def _enter(self, count: int) -> tuple[Floats, NDArray[np.int64]]:
        """When each enters, and how many turns it had before the run."""
        new, under_way = self._new.area, self._under_way.area
        drawn = self._openings.random(count) * (new + under_way)
        is_new = drawn < new
        time_s = np.empty(count)
        time_s[is_new] = time_at(self._new, drawn[is_new])
        time_s[~is_new] = time_at(self._under_way, drawn[~is_new] - new)
        past = np.zeros(count, dtype=np.int64)
        followed = np.cumsum(REACHES[1:]) / (TURNS_MEAN - 1)
        past[~is_new] = 1 + np.searchsorted(followed[:-1], self._turns.random(int((~is_new).sum())), side="right")
        return time_s, past


def joined(parts: list[Turns]) -> Turns:
    """The rows of all parts, one after the other."""
    return Turns(
        np.concatenate([part.conversation for part in parts]),
        np.concatenate([part.turn for part in parts]),
        np.concatenate([part.time_s for part in parts]),
    )


def _gaps(count: int, rng: Generator) -> Floats:
    """Seconds from one turn to the next; of the run's own seconds, as people don't think faster in a modelled day."""
    return rng.lognormal(math.log(calibration.GAP_MEDIAN_S), calibration.GAP_SIGMA, count)


def _under_way(rate_per_s: float, duration_s: float) -> Curve:
    """The rate times 1 - F(t) over the run, F being the lognormal distribution of gaps."""
    time_s = np.concatenate(([0.0], np.geomspace(min(1e-3, duration_s / 2), duration_s, _KNOTS)))
    time_s[-1] = duration_s
    scale = calibration.GAP_SIGMA * math.sqrt(2)
    later = [1.0, *(math.erfc(math.log(t / calibration.GAP_MEDIAN_S) / scale) / 2 for t in time_s[1:].tolist())]
    return curve_through(time_s, rate_per_s * np.array(later))
