"""Draws depend on the seed and the counter alone, and are uniform."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.workload.draw import bits, bits_of, fraction, fractions, pick, stream

REPEATABLE = settings(derandomize=True, deadline=None)


def test_published_sequence():
    """The stream that starts at 1234567 is SplitMix64's published one."""
    assert [bits(1234567, n) for n in range(1, 6)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@REPEATABLE
@given(st.integers(), st.integers(min_value=0, max_value=2**63))
def test_ranges(seed, n):
    """Any integer is a seed; bits are 64, fractions in [0, 1)."""
    drawn = bits(stream(seed, 3), n)
    assert 0 <= drawn < 2**64
    assert 0 <= fraction(drawn) < 1


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 2**62), min_size=1, max_size=20))
def test_many_at_once_are_the_same(key, ns):
    """An array of numbers draws what each of them draws alone, to the last bit."""
    drawn = bits_of(key, np.array(ns))
    assert drawn.tolist() == [bits(key, n) for n in ns]
    assert fractions(drawn).tolist() == [fraction(bits(key, n)) for n in ns]


def test_fraction_stays_below_one():
    """The highest bits there are still give less than 1."""
    assert fraction(2**64 - 1) < 1
    assert fraction(0) == 0


def test_streams_are_independent():
    """Two streams of a seed, and one stream of two seeds, fall in the same quarter one time in four."""
    n = 20_000
    for one, other in [(stream(1, 0), stream(1, 1)), (stream(1, 0), stream(2, 0)), (stream(-1, 2), stream(1, 2))]:
        same = sum(bits(one, i) >> 62 == bits(other, i) >> 62 for i in range(n))
        assert abs(same / n - 0.25) < 0.015


def test_pick_is_uniform_however_many_slots():
    """Every choice of every slot comes up about as often, in the fortieth slot as in the first."""
    slots = (tuple("abcde"),) * 40
    n = 5_000
    rows = [pick(slots, bits(7, i)) for i in range(n)]
    for slot in (0, 1, 39):
        counts = Counter(row[slot] for row in rows)
        assert set(counts) == set("abcde")
        assert all(abs(count / n - 0.2) < 0.03 for count in counts.values())
    assert abs(sum(row[0] == row[39] for row in rows) / n - 0.2) < 0.03


def test_pick_from_nothing():
    """No slots, no choices."""
    assert pick((), 1) == ()
