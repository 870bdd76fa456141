"""The Universal Scalability Law, fitted to what it made itself."""

import numpy as np
import pytest

from loadtester.analysis.search.scaling import scaling_of, throughput

LEVELS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 48.0, 64.0])


def points(per_s_each, contention, coherency, noise=0.0, seed=0):
    errors = np.exp(np.random.default_rng(seed).normal(0.0, noise, len(LEVELS)))
    return list(
        zip(LEVELS.tolist(), (throughput(LEVELS, per_s_each, contention, coherency) * errors).tolist(), strict=True)
    )


def test_a_law_without_noise_is_recovered():
    """Its three parameters, its peak N* = sqrt((1 - sigma) / kappa), and the throughput there."""
    law = scaling_of(points(10.0, 0.02, 0.0005), None).law
    assert (law.per_s_each, law.contention, law.coherency) == pytest.approx((10.0, 0.02, 0.0005))
    assert law.peak.in_flight == pytest.approx(np.sqrt(0.98 / 0.0005))
    assert law.peak.per_s == pytest.approx(throughput(np.array([law.peak.in_flight]), 10.0, 0.02, 0.0005)[0])
    assert law.off == pytest.approx(0.0, abs=1e-9)


def test_the_interval_of_the_peak_holds_the_truth():
    """In at least 16 of 20 noisy runs; resampled errors of eight points are somewhat narrow."""
    truth = np.sqrt(0.98 / 0.001)
    held = 0
    for seed in range(20):
        peak = scaling_of(points(10.0, 0.02, 0.001, 0.02, seed), None).law.peak
        held += peak.in_flight_ci95[0] <= truth <= peak.in_flight_ci95[1]
        assert peak.per_s_ci95[0] <= peak.per_s <= peak.per_s_ci95[1]
    assert held >= 16


@pytest.mark.parametrize(("contention", "coherency"), [(0.0, 0.0), (0.1, 0.0), (0.05, 1e-7)])
def test_without_coherency_no_peak_is_claimed(contention, coherency):
    """Contention alone levels off, it never falls; a peak far beyond what was tried is none in sight."""
    scaling = scaling_of(points(10.0, contention, coherency), None)
    assert scaling.law.peak is None
    assert "no peak in sight" in scaling.no_peak


@pytest.mark.parametrize(
    "per_s", [(1.0, 0.9, 0.8, 0.7, 0.6, 0.5), (1.0, 1.0, 1.0, 1.0, 1.0, 1.0), (1.0, 0.95, 0.9, 0.88, 0.84, 0.8)]
)
def test_throughput_that_falls_from_the_first_is_not_said_to_grow(per_s):
    """All of the work is shared, or more: no number in flight brings more than one."""
    scaling = scaling_of(list(zip((1.0, 2.0, 4.0, 8.0, 16.0, 32.0), per_s, strict=True)), None)
    assert scaling.law.peak is None
    assert scaling.no_peak == "throughput does not grow beyond one request in flight"
    assert scaling_of(points(10.0, 0.5, 0.6), None).no_peak == scaling.no_peak  # a peak at 0.91


def test_too_few_points_or_too_close_ones_are_refused():
    """Twice the parameters, with one or more in flight, over twice the range; the reason is said."""
    assert "it needs 6 steps" in scaling_of(points(10.0, 0.1, 0.001)[:5], None).refused
    assert "it needs 6 steps" in scaling_of([(n / 100, x) for n, x in points(10.0, 0.1, 0.001)], None).refused
    assert "it needs 6 steps" in scaling_of([(8.0, 40.0)] * 8, None).refused
    assert "told from a line" in scaling_of([(10.0 + n, 40.0 + n) for n in range(8)], None).refused
    assert scaling_of([], None).law is None


@pytest.mark.parametrize(("passed", "verdict"), [((16.0, 158.0), "linear"), ((16.0, 120.0), "degraded"), (None, None)])
def test_linear_is_told_from_degraded_by_the_highest_passing_step(passed, verdict):
    """From nine tenths of what a request in flight brings at the lightest step."""
    assert scaling_of([(1.0, 10.0), (4.0, 40.0)], passed).verdict == verdict


def test_a_law_that_misses_its_own_steps_is_refused():
    """Off by over a tenth it can't tell linear from degraded; the reason says how far off it was."""
    bumpy = [(n, x * (1.35 if place % 2 else 0.75)) for place, (n, x) in enumerate(points(10.0, 0.02, 0.0005))]
    scaling = scaling_of(bumpy, None)
    assert scaling.law is None
    assert "misses the steps by" in scaling.refused
    assert scaling_of(points(10.0, 0.02, 0.0005, 0.05), None).law is not None
