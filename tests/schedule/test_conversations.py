"""Conversations enter a run as if it had always been going on, and go on as people do."""

import math

import numpy as np
import pytest

from loadtester.schedule import calibration
from loadtester.schedule.conversations import GO_ON, REACHES, TURNS_MAX, TURNS_MEAN, Talk
from loadtester.schedule.patterns import sustained

COUNT = 200_000


@pytest.mark.parametrize("length_s", [5.0, 60.0, 900.0])
def test_stationary_at_the_edges(length_s):
    """On a flat curve every tenth of the run has as many turns as the others: it starts neither empty nor crowded."""
    turns = Talk(sustained(1.0, length_s), 1).draw(COUNT)
    tenths = np.histogram(turns.time_s, np.linspace(0, length_s, 11))[0]
    # Standard errors are under 1 %; without those under way the first tenth of 900 s would lack 15 %, of 5 s 40 %.
    assert tenths / tenths.mean() == pytest.approx(np.ones(10), abs=0.04)


@pytest.mark.parametrize("length_s", [5.0, 60.0, 900.0])
def test_turns_that_follow_their_openings(length_s):
    """The rate of all turns is that of openings times the mean number of turns, over every length of run.

    The share of drawn conversations that are new must then be what it is among all that enter.
    """
    turns = Talk(sustained(1.0, length_s), 2).draw(COUNT)
    later = np.vectorize(
        lambda t: math.erfc(math.log(t / calibration.GAP_MEDIAN_S) / calibration.GAP_SIGMA / 2**0.5) / 2
    )
    middles = (np.arange(20_000) + 0.5) / 20_000 * length_s
    entering = length_s + (TURNS_MEAN - 1) * later(middles).mean() * length_s
    assert len(turns.turn) / COUNT == pytest.approx(TURNS_MEAN * length_s / entering, rel=0.01)


def test_turns_go_on_with_the_measured_chances():
    """In a long run, of the conversations that reach a turn the measured share goes on to the next."""
    turns = Talk(sustained(1.0, 1e7), 3).draw(COUNT)
    reached = np.bincount(turns.turn)
    assert reached[0] == COUNT
    for turn, chance in enumerate((*calibration.CONTINUE_PROBABILITY, 0.702)):
        error = 5 * math.sqrt(chance * (1 - chance) / reached[turn])
        assert reached[turn + 1] / reached[turn] == pytest.approx(chance, abs=error)


def test_gaps_are_lognormal():
    """Gaps between turns have the measured median and deviation."""
    turns = Talk(sustained(1.0, 1e7), 4).draw(COUNT)
    order = np.lexsort((turns.turn, turns.conversation))
    is_next = np.diff(turns.conversation[order]) == 0
    logs = np.log(np.diff(turns.time_s[order])[is_next])
    assert np.exp(logs.mean()) == pytest.approx(45.7, rel=0.02)
    assert logs.std() == pytest.approx(1.07, rel=0.02)


def test_turns_are_inside_the_run_and_whole():
    """All turns are in [0, T), each conversation's are numbered from 0 without a hole, in order of time."""
    turns = Talk(sustained(1.0, 30.0), 5).draw(5000)
    assert turns.time_s.min() >= 0
    assert turns.time_s.max() < 30
    order = np.lexsort((turns.time_s, turns.conversation))
    is_first = np.diff(turns.conversation[order], prepend=-1) == 1
    assert is_first.sum() == 5000
    assert (turns.turn[order][is_first] == 0).all()
    assert (np.diff(turns.turn[order])[~is_first[1:]] == 1).all()


def test_how_long_conversations_are():
    """1.78 turns on average, 41 % with more than one, as measured; no one talks forever."""
    assert round(TURNS_MEAN, 2) == 1.78
    assert REACHES[:4] == pytest.approx([1, 0.412, 0.412 * 0.416, 0.412 * 0.416 * 0.449])
    assert len(GO_ON) == len(REACHES) == TURNS_MAX
    assert GO_ON[-1] == 0


def test_none():
    """No conversations have no turns."""
    assert len(Talk(sustained(1.0, 30.0), 5).draw(0).turn) == 0
