"""Due times follow the curve: uniform to half a request, Poisson in distribution."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtester.schedule.curve import count_of, curve_through
from loadtester.schedule.dispersion import index_of_dispersion
from loadtester.schedule.patterns import SHAPES, sustained
from loadtester.schedule.points import _in_order, poisson_ns, uniform_ns
from loadtester.schedule.streams import Stream, generator

PROPERTY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
STAGES = st.lists(st.tuples(st.floats(0.01, 500), st.floats(0, 20)), min_size=1, max_size=6)


@PROPERTY
@given(STAGES)
def test_uniform_is_the_rounded_area_at_every_moment(stages):
    """Up to each knot, and so in each phase, planned and curve are never more than half a request apart."""
    widths, rates = zip(*stages, strict=True)
    curve = curve_through(np.concatenate(([0.0], np.cumsum(widths))), [0.0, *rates])
    due_ns = uniform_ns(curve, count_of(curve))
    for time_s, area in zip(curve.time_s.tolist(), curve.cumulative.tolist(), strict=True):
        # A nanosecond of rounding either way.
        before = int((due_ns < time_s * 1e9 - 1).sum())
        until = int((due_ns <= time_s * 1e9 + 1).sum())
        assert before - 0.5 - 1e-6 <= area <= until + 0.5 + 1e-6


@pytest.mark.parametrize("per_s", [Fraction(1000, 7), Fraction(3), Fraction(10)])
def test_uniform_does_not_drift(per_s):
    """After 24 h an arrival is where exact arithmetic puts it, to the nanosecond."""
    curve = sustained(float(per_s), 86400.0)
    due_ns = uniform_ns(curve, count_of(curve))
    for place in (0, 1, len(due_ns) // 3, len(due_ns) - 2, len(due_ns) - 1):
        exact_ns = (Fraction(place) + Fraction(1, 2)) / per_s * 10**9
        assert abs(int(due_ns[place]) - exact_ns) <= 1


def test_uniform_over_many_chunks_is_even():
    """Working in chunks leaves no seam."""
    curve = sustained(1e6, 0.5)
    assert set(np.diff(uniform_ns(curve, 500_000)).tolist()) == {1000}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_poisson_follows_the_curve(name):
    """Equal areas of the curve hold equal numbers of arrivals, to five standard deviations."""
    curve = SHAPES[name](100.0, 1000.0)
    count = count_of(curve)
    uniform = uniform_ns(curve, count)
    due_ns = poisson_ns(curve, count, generator(1, Stream.POISSON))
    edges = [0, *uniform[:: count // 20][1:20].tolist(), uniform[-1] + 10**10]
    held = np.histogram(due_ns, edges)[0]
    assert len(due_ns) == held.sum() == count
    assert (np.diff(due_ns) >= 0).all()
    assert np.abs(held - count / 20).max() < 5 * (count / 20) ** 0.5


@pytest.mark.parametrize("seed", range(4))
def test_poisson_has_no_bursts_of_its_own(seed):
    """At a constant rate the index of dispersion is 1 at each scale, to about four standard errors."""
    due_ns = poisson_ns(sustained(50.0, 6000.0), 300_000, generator(seed, Stream.POISSON))
    spread = index_of_dispersion(due_ns, duration_s=6000.0, windows_s=(0.1, 1, 10))
    assert spread[0.1] == pytest.approx(1, abs=0.03)
    assert spread[1] == pytest.approx(1, abs=0.08)
    assert spread[10] == pytest.approx(1, abs=0.25)


def test_poisson_gaps_are_exponential():
    """At a constant rate the gaps have the deviation of their mean, and e⁻¹ of them are longer than it."""
    gaps = np.diff(poisson_ns(sustained(50.0, 2000.0), 100_000, generator(3, Stream.POISSON)))
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.02)
    assert (gaps > gaps.mean()).mean() == pytest.approx(np.exp(-1), abs=0.01)


def test_crossed_neighbours_are_put_in_order():
    """Times that rounding crossed never go backwards, and no others change."""
    assert _in_order(np.array([0, 5, 4, 6, 6, 9])).tolist() == [0, 5, 5, 6, 6, 9]
