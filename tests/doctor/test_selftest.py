"""The self-test: that it measures what it says, and says why where it can't."""

import platform

import pytest

from loadtester.doctor import calibrate
from loadtester.errors import Exit, FmloadError
from loadtester.loop import LOOP


def test_the_self_test_measures_this_machine():
    """At each rate all planned requests are answered, and every figure is above 0 and in order."""
    measured = calibrate((50, 100), 0.3)
    assert [(step.rate_per_s, step.planned, step.answered) for step in measured.steps] == [(50, 15, 15), (100, 30, 30)]
    for step in measured.steps:
        assert 0 < step.lag_p50_s <= step.lag_p99_s
        assert 0 < step.round_trip_p50_s <= step.round_trip_p99_s
    assert measured.max_per_s > 0
    assert 0 < measured.clock_step_s < 1
    assert (measured.loop, measured.host) == (LOOP, platform.platform())


def test_a_target_that_does_not_start_is_told(monkeypatch):
    """Without its own target there is no self-test: 113, and nothing is left running."""
    monkeypatch.setattr("loadtester.doctor.selftest.sys.executable", "/bin/echo")
    with pytest.raises(FmloadError, match="did not start") as caught:
        calibrate((50,), 0.1)
    assert caught.value.code is Exit.UNREACHABLE
