"""Traffic as real users make it: a day, a wandering rate, and conversations."""

from __future__ import annotations

import math

import numpy as np

from loadtester.schedule.arrivals import Arrivals
from loadtester.schedule.conversations import TURNS_MEAN, Talk, Turns, joined
from loadtester.schedule.curve import duration_ns
from loadtester.schedule.day import Stretch, day_curve
from loadtester.schedule.streams import Stream, generator


def production(count: int, duration_s: float, *, stretch: Stretch, seed: int) -> Arrivals:
    """Exactly `count` turns of conversations over the run.

    Conversations are a Poisson process on the day's curve. Given how many there are, those of a Poisson process are
    independent draws, so they are drawn one after the other, each anywhere in the run, until their turns inside it
    are enough; the last turns of the last one are cut off. Which times are cut does not depend on the time of day.
    What the seed fixes is thus the pattern; the rate follows from `count`.

    A whole day over 60 s is steep, but its follow-up turns come after real gaps, up to minutes: 44 % of the traffic
    is spread evenly, and the night is calm, not empty. Over 24 h conversations are short beside the day, and the
    traffic follows its curve.
    """
    curve = day_curve(duration_s, stretch, generator(seed, Stream.MODULATION))
    return _arrivals(_enough(Talk(curve, seed), count), duration_s)


def _enough(talk: Talk, count: int) -> Turns:
    """The turns of as many conversations as it takes to have `count`."""
    parts = [talk.draw(0)]
    have = drawn = 0
    while have < count:
        more = math.ceil((count - have) / TURNS_MEAN)
        part = talk.draw(more)
        parts.append(Turns(part.conversation + drawn, part.turn, part.time_s))
        drawn += more
        have += len(part.turn)
    return _cut(joined(parts), count)


def _cut(turns: Turns, count: int) -> Turns:
    """The first `count` turns, conversation by conversation."""
    if len(turns.turn) == count:
        return turns
    length = np.bincount(turns.conversation)
    before = np.cumsum(length) - length
    keep = before[turns.conversation] + turns.turn < count
    return Turns(turns.conversation[keep], turns.turn[keep], turns.time_s[keep])


def _arrivals(turns: Turns, duration_s: float) -> Arrivals:
    """The plan: sorted by time, conversations numbered as they first appear, turns from 1."""
    due_ns = np.minimum(np.rint(turns.time_s * 1e9).astype(np.int64), duration_ns(duration_s))
    # Each conversation's turns come in their order, and stay in it where two fall on one nanosecond.
    order = np.argsort(due_ns, kind="stable")
    due_ns, turn, drawn = due_ns[order], turns.turn[order], turns.conversation[order]
    firsts = drawn[turn == 0]
    number = np.empty(len(firsts), dtype=np.int64)
    number[firsts] = np.arange(len(firsts))
    return Arrivals(
        id=np.arange(len(due_ns)),
        due_ns=due_ns,
        session=number[drawn],
        turn=turn + np.int32(1),
        duration_s=duration_s,
    )
