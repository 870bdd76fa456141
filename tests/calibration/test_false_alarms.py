"""Calibration 8: two runs of the same service are not called different because neither saw enough of its tail."""

import pytest
from known_series import alarms

PAIRS = 30


@pytest.mark.parametrize("seconds", [60, 120])
@pytest.mark.parametrize("kind", ["ar 0.5", "ar 0.8", "queue 0.7"])
def test_like_runs_raise_no_alarm(kind, seconds):
    """At 5 % for any false alarm, more than 5 of 30 pairs have one in a case of three hundred; a p99 never does."""
    found = alarms(kind, seconds=seconds, pairs=PAIRS, seed=1)
    assert found["any"] <= 5 / PAIRS
    assert found["p99"] == 0
