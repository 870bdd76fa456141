"""A curve's area is the trapezoids under it, and times are read off it exactly."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loadtester.schedule.curve import count_of, curve_through, duration_ns, scaled_to, time_at

PROPERTY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
WIDTHS = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))
RATES = st.one_of(st.just(0.0), st.floats(1e-3, 1e6))
PIECES = st.lists(st.tuples(WIDTHS, RATES), min_size=1, max_size=8)


def curve_of(first, pieces):
    widths, rates = zip(*pieces, strict=True)
    return curve_through(np.concatenate(([0.0], np.cumsum(widths))), [first, *rates])


def area_until(curve, end_s):
    """The area up to `end_s`, by cutting each piece there."""
    area = 0.0
    knots = list(zip(curve.time_s.tolist(), curve.rate_per_s.tolist(), strict=True))
    for (start, left), (stop, right) in pairwise(knots):
        width = min(stop, end_s) - start
        if width > 0:
            area += width * (left + (right - left) * width / (stop - start) / 2)
    return area


@pytest.mark.parametrize(
    ("times", "rates", "area"),
    [
        ([0, 10], [3, 3], 30),
        ([0, 10], [0, 4], 20),
        ([0, 2, 2, 5], [1, 1, 7, 7], 23),
        ([0, 4, 8, 10], [0, 6, 0, 0], 24),
    ],
)
def test_area(times, rates, area):
    """The area is that of the trapezoids; a jump adds nothing."""
    assert curve_through(times, rates).area == area


@PROPERTY
@given(RATES, PIECES, st.lists(st.floats(0, 1), min_size=1, max_size=20))
@example(first=0.0, pieces=[(3.0, 0.5)], shares=[5e-324])
def test_time_at_inverts_the_area(first, pieces, shares):
    """The area up to the time at which an area is reached is that area, and times come in the order of areas."""
    curve = curve_of(first, pieces)
    areas = np.sort(shares) * curve.area
    times = time_at(curve, areas)
    assert (np.diff(times) >= 0).all()
    assert (times >= 0).all()
    assert (times <= curve.duration_s).all()
    for area, time_s in zip(areas.tolist(), times.tolist(), strict=True):
        assert area_until(curve, time_s) == pytest.approx(area, rel=1e-9, abs=1e-9 * curve.area)


def test_time_at_is_the_first_time():
    """Where nothing is due for a while, an area is reached before the pause, not after it."""
    curve = curve_through([0, 10, 10, 20, 20, 30], [1, 1, 0, 0, 1, 1])
    assert time_at(curve, np.array([9.0, 10.0, 11.0])).tolist() == [9.0, 10.0, 21.0]


def test_time_at_beyond_the_end():
    """More than the whole area is reached when the whole is, also where a pause ends the curve."""
    curve = curve_through([0, 10, 10, 20], [1, 1, 0, 0])
    assert time_at(curve, np.array([10.0, 10.000001, 99.0])).tolist() == [10.0, 10.0, 10.0]


def test_time_at_on_a_ramp():
    """On a ramp from 0 to r over T, area a is reached at √(2aT/r)."""
    curve = curve_through([0, 50], [0, 4])
    assert time_at(curve, np.array([0.0, 1.0, 25.0, 100.0])) == pytest.approx([0, 5, 25, 50], rel=1e-14)


@PROPERTY
@given(st.floats(1e-3, 1e6), PIECES, st.integers(1, 10**8))
def test_scaled_to(first, pieces, count):
    """Scaling changes the rates by one factor, so that the area is the one asked for, and keeps the length."""
    curve = curve_of(first, [(1.0, 1.0), *pieces])
    scaled = scaled_to(curve, count)
    assert scaled.area == pytest.approx(count, rel=1e-12)
    assert scaled.duration_s == curve.duration_s
    assert scaled.rate_per_s == pytest.approx(curve.rate_per_s * count / curve.area, rel=1e-12)
    assert count_of(scaled) == count


@pytest.mark.parametrize(
    ("area", "count"),
    [(0.0, 0), (0.4, 0), (0.6, 1), (9.6, 10), (3.5, 4), (3.4999999999999996, 4), (1e8, 10**8)],
)
def test_count_of(area, count):
    """The number of requests is the area, rounded as if sums of doubles were exact."""
    assert count_of(curve_through([0, 1], [area, area])) == count


@pytest.mark.parametrize(
    ("times", "rates"),
    [
        ([1, 2], [1, 1]),
        ([0, 2, 1], [1, 1, 1]),
        ([0, 1], [1, -1]),
        ([0, float("inf")], [1, 1]),
        ([0, 1], [1, float("nan")]),
    ],
)
def test_no_curve(times, rates):
    """Knots out of order, below zero or not finite are refused."""
    with pytest.raises(ValueError, match="a curve"):
        curve_through(times, rates)


@pytest.mark.parametrize(
    ("length_s", "expected"), [(1.0, 10**9), (86400.0, 86400 * 10**9), (1e-10, 0), (0.0015, 1_500_000)]
)
def test_duration_ns(length_s, expected):
    """The last nanosecond of a run is not after it."""
    assert duration_ns(length_s) == expected
