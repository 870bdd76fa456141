"""The index of dispersion is variance over mean of the counts in whole windows."""

import numpy as np
import pytest

from loadtester.schedule import index_of_dispersion


def due(*seconds):
    return np.array([round(second * 1e9) for second in seconds], dtype=np.int64)


@pytest.mark.parametrize(
    ("seconds", "length_s", "expected"),
    [
        ([0.5, 1.5, 2.5, 3.5], 4, 0.0),  # counts 1 1 1 1
        ([0.1, 0.2, 2.1, 2.2], 4, 1.0),  # counts 2 0 2 0
        ([0.1, 0.2, 0.3, 0.4], 4, 3.0),  # counts 4 0 0 0
        ([0.5, 1.5, 2.1, 2.2, 2.3], 2.9, 0.0),  # what is beyond the last whole window does not count
        ([1.0, 2.0], 2, 0.5 / 1 * 0.5 / 0.5),  # counts 0 1: a window includes its start, not its end
    ],
)
def test_by_hand(seconds, length_s, expected):
    """It is what a pencil makes of it."""
    assert index_of_dispersion(due(*seconds), duration_s=length_s, windows_s=(1,)) == {1: pytest.approx(expected)}


@pytest.mark.parametrize(("seconds", "length_s"), [([0.5], 1.9), ([], 100), ([99.5], 99.9)])
def test_unknown(seconds, length_s):
    """Fewer than two windows, or no arrival in them, have no dispersion."""
    assert index_of_dispersion(due(*seconds), duration_s=length_s, windows_s=(1,)) == {1: None}


def test_windows():
    """It is given at each of the windows asked for, at 1, 10, 60 and 300 s by default."""
    spread = index_of_dispersion(due(*np.arange(0.05, 400, 0.1)), duration_s=400)
    assert spread == {1: 0.0, 10: 0.0, 60: 0.0, 300: None}
