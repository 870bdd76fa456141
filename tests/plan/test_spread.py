"""The range of a figure over simulated runs."""

import numpy as np
import pytest
from scipy import stats

from loadtester.plan.spread import _T95, spread


def test_the_table_is_students():
    """The 95 % points, to three digits."""
    assert list(_T95) == pytest.approx(stats.t.ppf(0.95, np.arange(1, len(_T95) + 1)), abs=5e-4)


def test_whole_runs_range_by_their_quantiles():
    """5 % and 95 % of the values."""
    found = spread(range(101), is_thinned=False)
    assert (found.mean, found.low, found.high) == (50, 5, 95)


def test_few_thinned_runs_say_how_little_they_know():
    """Of normal values nine in ten further ones are inside, however few the runs; a share stays one."""
    rng = np.random.default_rng(1)
    for n_runs in (2, 4, 8):
        held = []
        for _ in range(2000):
            *known, next_one = rng.normal(100, 5, n_runs + 1)
            found = spread(known, is_thinned=True)
            held.append(found.low <= next_one <= found.high)
        assert np.mean(held) == pytest.approx(0.9, abs=0.03)
    assert spread([0.1, 0.9], is_thinned=True, most=1.0).high == 1
    assert spread([0.1, 0.9], is_thinned=True).low == 0
