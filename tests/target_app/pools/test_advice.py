"""The advice about a pool, at each boundary of its rules."""

import pytest

from target_app.pools.advice import Change, advise
from target_app.pools.meter import PoolReport


def report(*, max_size=20, utilisation=0.5, checkouts=1000, timeouts=0, window_s=60.0):
    return PoolReport(None, max_size, 0, 0, 0, checkouts, timeouts, 1.0, 1.0, utilisation, window_s)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"utilisation": 0.80}, []),
        ({"utilisation": 0.801}, [(Change.GROW, 30)]),
        ({"utilisation": 0.9, "max_size": 5}, [(Change.GROW, 8)]),
        ({"utilisation": 0.20}, []),
        ({"utilisation": 0.199}, [(Change.SHRINK, 10)]),
        ({"utilisation": 0.0, "max_size": 10}, []),
        ({"utilisation": 0.0, "max_size": 11}, [(Change.SHRINK, 5)]),
        ({"timeouts": 10}, []),
        ({"timeouts": 11}, [(Change.GROW_OR_WAIT, 30)]),
        ({"timeouts": 11, "utilisation": 0.9}, [(Change.GROW, 30), (Change.GROW_OR_WAIT, 30)]),
        ({"timeouts": 11, "utilisation": 0.1}, [(Change.GROW_OR_WAIT, 30)]),
        ({"checkouts": 0, "utilisation": 0.5}, []),
        ({"utilisation": 0.0, "window_s": 59.9, "checkouts": 99}, []),
        ({"utilisation": 0.0, "window_s": 59.9, "checkouts": 100}, [(Change.SHRINK, 10)]),
        ({"utilisation": 0.0, "window_s": 60.0, "checkouts": 0}, [(Change.SHRINK, 10)]),
    ],
)
def test_advice_changes_just_past_its_boundary(figures, expected):
    """Over 80 % grow by half, under 20 % of more than ten halve to five at the least, over 1 % in vain grow or wait."""
    assert [(advice.change, advice.max_size) for advice in advise(report(**figures))] == expected


def test_advice_says_why():
    """The reason names the figure that led to it."""
    assert advise(report(utilisation=0.93))[0].reason == "93% of it is in use"
    assert advise(report(timeouts=25))[0].reason == "2.5% of the checkouts timed out"
