"""Production traffic has exactly the requests asked for, and the burstiness of real traffic at every scale."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtester.schedule import Stretch, calibration, index_of_dispersion
from loadtester.schedule.production import production

PROPERTY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
DAY = Stretch()


@PROPERTY
@given(st.integers(0, 3000), st.floats(0.01, 86400), st.floats(0, 168), st.floats(0.1, 168), st.integers(0, 2**64))
def test_conversations_are_in_order(count, duration_s, start_h, length_h, seed):
    """Exactly `count` turns; conversations are numbered as they appear, turns from 1 without a hole."""
    made = production(count, duration_s, stretch=Stretch(start_h, length_h), seed=seed)
    assert len(made) == count
    turns = {}
    for session, turn in zip(made.session.tolist(), made.turn.tolist(), strict=True):
        if turn == 1:
            assert session == len(turns)
        assert turn == turns.get(session, 0) + 1
        turns[session] = turn


def test_burstiness_is_that_of_azure():
    """An afternoon hour at Azure's rate has Azure's index of dispersion at 1, 10, 60 and 300 s, within a factor of 1.5.

    A renewal process of the same gaps has about 1.07 at a minute.
    """
    count = round(calibration.AZURE_RATE_PER_S * calibration.AZURE_DURATION_S)
    spreads = []
    for seed in range(100, 160):
        made = production(count, calibration.AZURE_DURATION_S, stretch=Stretch(14, 0.97), seed=seed)
        spreads.append(index_of_dispersion(made.due_ns, duration_s=calibration.AZURE_DURATION_S))
    for window_s, azure in calibration.AZURE_DISPERSION.items():
        found = np.mean([spread[window_s] for spread in spreads])
        assert azure / 1.5 < found < azure * 1.5
    assert min(spread[60] for spread in spreads) > 2


def test_long_conversations_are_kept():
    """Over a day 41 % of the conversations have more than one turn, and 1.78 is their mean."""
    made = production(100_000, 86400.0, stretch=DAY, seed=3)
    lengths = np.bincount(made.session)
    assert (lengths > 1).mean() == pytest.approx(0.412, abs=0.01)
    assert lengths.mean() == pytest.approx(1.78, abs=0.02)


def test_a_day_at_its_pace():
    """Over 24 h the hours have the day's shares, and the night is almost empty."""
    hours = np.zeros(24)
    for seed in range(20):
        made = production(50_000, 86400.0, stretch=DAY, seed=seed)
        hours += np.bincount(made.due_ns // (3600 * 10**9), minlength=24)
    shares = hours / hours.mean()
    # An hour is smoothed by its neighbours, and by turns a minute or two late.
    assert np.corrcoef(shares, calibration.WEEKDAY_BY_HOUR)[0, 1] > 0.98
    assert shares[3:6].max() < 0.15
    assert shares[14] == pytest.approx(1.7, abs=0.2)


def test_a_day_in_a_minute():
    """Over 60 s the day is there, flatter: follow-up turns come after real gaps, so the night is never empty."""
    hours = np.zeros(24)
    for seed in range(100):
        made = production(1200, 60.0, stretch=DAY, seed=seed)
        hours += np.histogram(made.due_ns / 1e9, np.linspace(0, 60, 25))[0]
    shares = hours / hours.mean()
    assert 0.3 < shares[3:6].mean() < 0.6
    assert 1.2 < shares[13:17].mean() < 1.6


def test_what_is_cut_is_not_the_end():
    """Drawing until there are enough leaves no mark: short plans are spread over the hour as long ones are."""
    stretch = Stretch(14, 1)
    few = np.concatenate([production(10, 3600.0, stretch=stretch, seed=seed).due_ns for seed in range(1500)])
    tenths = np.histogram(few / 1e9, np.linspace(0, 3600, 11))[0]
    assert tenths / tenths.mean() == pytest.approx(np.ones(10), abs=0.15)


def test_a_weekend_is_quieter():
    """Over a week a day of the weekend has .77 of a weekday's requests."""
    made = production(500_000, 604_800.0, stretch=Stretch(0, 168), seed=2)
    days = np.bincount(made.due_ns // (86400 * 10**9), minlength=7)
    assert days[5:].mean() / days[:5].mean() == pytest.approx(0.77, abs=0.08)
