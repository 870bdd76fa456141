"""How many users there are over the time of a run, and when each of them comes and goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from loadtester.errors import FmloadError

_Knot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Users:
    """The stays of a run's users, one row a user, sorted by when they come.

    All arrays have shape (n,): `number` the user's place in the whole plan (0..n-1 before sharding), `start_ns` and
    `end_ns` from the run's start. `peak` is the most that are there at once, in the whole plan.
    """

    number: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    duration_s: float
    peak: int

    def __len__(self) -> int:
        return len(self.number)

    def shard(self, index: int, count: int) -> Users:
        """The users numbered `index` modulo `count`; the shards partition the plan."""
        mine = self.number % count == index
        return Users(self.number[mine], self.start_ns[mine], self.end_ns[mine], self.duration_s, self.peak)


def users(start: int, duration_s: float, stages: Sequence[tuple[float, int]]) -> Users:
    """When each user comes and goes.

    Args:
        start: users from the first moment on.
        duration_s: length of a run without stages; that of stages is their sum.
        stages: (seconds, users at the end) of each stage; over a stage their number moves in a line.

    The number of users is the line rounded: user k (from 0) is there while the line is above k + 1/2. Those who came
    last leave first, and whoever comes back is a new user.

    Raises:
        FmloadError: a stage or a run that takes no time, or fewer than no users.
    """
    knots = _knots(start, stages or [(duration_s, start)])
    if min(count for _, count in knots) < 0 or any(after[0] <= before[0] for before, after in pairwise(knots)):
        raise FmloadError(
            f"users are {start} and stages {list(stages)} over {duration_s} s",
            remedy="Give numbers of users from 0, and stages that take time.",
        )
    peak = int(max(count for _, count in knots))
    stays = sorted((start_s, slot, end_s) for slot in range(peak) for start_s, end_s in _stays(knots, slot + 0.5))
    return Users(
        number=np.arange(len(stays)),
        start_ns=_ns([start_s for start_s, _, _ in stays]),
        end_ns=_ns([end_s for _, _, end_s in stays]),
        duration_s=knots[-1][0],
        peak=peak,
    )


def _knots(start: int, stages: Sequence[tuple[float, int]]) -> list[_Knot]:
    knots: list[_Knot] = [(0.0, start)]
    for length_s, count in stages:
        knots.append((knots[-1][0] + length_s, count))
    return knots


def _stays(knots: Sequence[_Knot], level: float) -> Iterator[tuple[float, float]]:
    """From when to when the line through the knots, whose counts are whole, is above `level`, which is not."""
    since_s = 0.0 if knots[0][1] > level else None
    for (before_s, before), (after_s, after) in pairwise(knots):
        if (before > level) == (after > level):
            continue
        crossing_s = before_s + (after_s - before_s) * (level - before) / (after - before)
        if since_s is None:
            since_s = crossing_s
        else:
            yield since_s, crossing_s
            since_s = None
    if since_s is not None:
        yield since_s, knots[-1][0]


def _ns(times_s: Sequence[float]) -> NDArray[np.int64]:
    return np.rint(np.array(times_s, dtype=np.float64) * 1e9).astype(np.int64)
