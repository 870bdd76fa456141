"""Once a second of its clock the beat flushes, and tells the second's longest stall."""

import asyncio

import pytest

from loadtester.engine.beat import beat


class DoneError(Exception):
    """Ends an endless beat."""


def test_each_second_has_its_stall():
    """Ten beats are a second; what the loop was late at most in it is told, and forgotten after it."""
    late_s = [0.0] * 4 + [0.3] + [0.01] * 5 + [0.02] * 10
    # Two looks at the clock a beat: before it sleeps, then no time is left, and after.
    looks = iter([look for k, late in enumerate(late_s, 1) for look in (k * 0.1, k * 0.1 + late)])
    stalls_s = []

    def flush(stall_s):
        stalls_s.append(stall_s)
        if len(stalls_s) == 2:
            raise DoneError

    with pytest.raises(DoneError):
        asyncio.run(beat(lambda: round(next(looks) * 1e9), flush))
    assert stalls_s == pytest.approx([0.3, 0.02])
    assert next(looks, None) is None


def test_a_long_stall_counts_once():
    """Beats that are made up for after three seconds away were late for that one stall."""
    moments_s = [k * 0.1 for k in range(1, 5)] + [3.5] * 31
    looks = iter([look for moment_s in moments_s for look in (moment_s, moment_s)])
    stalls_s = []

    def flush(stall_s):
        stalls_s.append(stall_s)
        if len(stalls_s) == 3:
            raise DoneError

    with pytest.raises(DoneError):
        asyncio.run(beat(lambda: round(next(looks) * 1e9), flush))
    assert stalls_s == pytest.approx([3.0, 0.0, 0.0])
