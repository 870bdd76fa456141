"""A change point is found where there is one, and seldom where there is none."""

import numpy as np
import pytest

from loadtester.analysis.comparison.trend import changes


def _nights(count, seed, *, noise=0.1, worse_from=None, by=1.3):
    values = np.exp(np.random.default_rng(seed).normal(0, noise, count))
    if worse_from is not None:
        values[worse_from:] *= by
    return values.tolist()


def test_a_series_that_does_not_change_is_seldom_marked():
    """Of 100 stationary series under 5 % are marked; the level is 1 %, and the seeds are fixed."""
    assert sum(bool(changes(_nights(20, seed))) for seed in range(100)) < 5


@pytest.mark.parametrize("at", [4, 10, 15])
def test_a_change_is_found_where_it_is(at):
    """A third slower from one night on is found within a night of where it began, with both medians."""
    found = [changes(_nights(20, seed, noise=0.03, worse_from=at)) for seed in range(5)]
    assert all(len(one) == 1 for one in found)
    for (one,) in found:
        assert abs(one.index - at) <= 1
        assert one.ratio == pytest.approx(1.3, rel=0.1)
        assert one.p_value < 0.01


def test_several_changes_are_found_in_order():
    """Two steps make two marks, and each compares with the stretch before it."""
    values = [value * step for step, seed in ((1, 1), (2, 2), (4, 3)) for value in _nights(12, seed, noise=0.03)]
    first, second = changes(values)
    assert (first.index, second.index) == (12, 24)
    assert first.after == second.before
    assert (first.ratio, second.ratio) == pytest.approx((2, 2), rel=0.05)


def test_a_change_of_scale_alone_is_none_of_its_own():
    """Milliseconds or seconds: logarithms are compared, so the unit makes no difference."""
    values = _nights(20, 5, worse_from=12)
    assert [one.index for one in changes(values)] == [one.index for one in changes([1000 * value for value in values])]


@pytest.mark.parametrize("values", [[], [1.0], [1, 1, 1, 9, 9, 9], [2.0] * 40, [1.0, 1.02] * 3 + [1.04, 1.03] * 20])
def test_what_is_too_short_flat_or_small_is_not_marked(values):
    """Few runs, equal values, and changes of under 5 % are nothing to get up for."""
    assert changes(values) == ()


def test_a_rate_may_be_nothing():
    """Zeros need a floor, below which all values are alike."""
    quiet = [0.0, 0.0005, 0.0, 0.0002, 0.0, 0.0009, 0.0, 0.0, 0.0003, 0.0]
    assert changes(quiet * 2, floor=0.001) == ()
    (one,) = changes([*quiet, *[0.05] * 10], floor=0.001)
    assert (one.index, one.before, one.ratio is None or one.ratio > 50) == (10, pytest.approx(0.0001, abs=0.0002), True)
    for broken in ([0.0] * 8, [1.0, float("nan")] * 5, [1.0, -1.0] * 5):
        with pytest.raises(ValueError, match="above 0"):
            changes(broken)


def test_the_same_seed_gives_the_same_marks():
    """Shuffles are drawn from the seed."""
    values = _nights(30, 8, noise=0.2, worse_from=20)
    assert changes(values, seed=4) == changes(values, seed=4)


def test_only_the_last_quarter_of_a_year_counts():
    """Of a long history the last ninety runs are looked at, and indexes are of the whole."""
    values = _nights(30, 1, worse_from=0, by=5) + _nights(90, 2, noise=0.03, worse_from=60)
    assert [one.index for one in changes(values)] == [90]
