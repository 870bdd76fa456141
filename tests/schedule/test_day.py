"""A modelled day has the hours of real traffic and wanders as real rates do."""

import numpy as np
import pytest

from loadtester.schedule import Stretch, calibration
from loadtester.schedule.day import day_curve, rate_at_hour, wandering_tau_s
from loadtester.schedule.streams import Stream, generator

MONTH_S = 30 * 86400.0


def wandering(seed):
    """The factors of a month, one each 30 s."""
    curve = day_curve(MONTH_S, Stretch(0, 168), generator(seed, Stream.MODULATION))
    return curve.rate_per_s / rate_at_hour(np.linspace(0, 168, len(curve.time_s)))


def test_hours():
    """The middle of an hour has that hour's figure: Monday's, Friday's, and Saturday's less the weekend's share."""
    for hour in range(24):
        weekday, weekend = calibration.WEEKDAY_BY_HOUR[hour], calibration.WEEKEND_BY_HOUR[hour]
        found = rate_at_hour(np.array([hour, 96 + hour, 120 + hour, 144 + hour]) + 0.5)
        assert found == pytest.approx([weekday, weekday, 0.77 * weekend, 0.77 * weekend])


def test_hours_are_smooth():
    """Between two hours the rate moves in a line, also from Sunday's last to Monday's first."""
    assert rate_at_hour(np.array([1.0]))[0] == pytest.approx((1.09 + 0.36) / 2)
    assert rate_at_hour(np.array([0.0, 168.0])) == pytest.approx([(0.77 * 0.80 + 1.09) / 2] * 2)


@pytest.mark.parametrize(("length_s", "tau_s"), [(60, 10), (600, 100), (3600, 600), (86400, 600)])
def test_tau(length_s, tau_s):
    """The rate wanders over ten minutes, in shorter runs over a sixth of them."""
    assert wandering_tau_s(length_s) == pytest.approx(tau_s)


def test_wandering_is_lognormal_of_mean_one():
    """Mean 1, and openings' deviation 1.11 times that of arrivals; the logarithm is symmetric."""
    factors = np.concatenate([wandering(seed) for seed in range(3)])
    assert factors.mean() == pytest.approx(1, abs=0.02)
    assert factors.std() / factors.mean() == pytest.approx(1.11 * calibration.MODULATION_CV, rel=0.05)
    logs = np.log(factors)
    assert ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3 == pytest.approx(0, abs=0.15)


def test_wandering_forgets():
    """The autocorrelation is e⁻¹ after ten minutes and near nothing after an hour."""
    logs = np.log(wandering(1))
    logs -= logs.mean()
    for steps, expected in ((2, np.exp(-0.1)), (20, np.exp(-1)), (120, 0.0)):
        assert (logs[:-steps] * logs[steps:]).mean() / logs.var() == pytest.approx(expected, abs=0.06)


def test_a_short_run_sees_the_whole_day():
    """A day is laid over the run: over 24 s its k-th second is about its k-th hour."""
    curves = [day_curve(24.0, Stretch(), generator(seed, Stream.MODULATION)) for seed in range(200)]
    rates = [np.interp(np.arange(24) + 0.5, curve.time_s, curve.rate_per_s) for curve in curves]
    assert np.mean(rates, axis=0) == pytest.approx(calibration.WEEKDAY_BY_HOUR, rel=0.1, abs=0.02)


def test_a_stretch_in_real_time():
    """An hour laid over an hour has that hour's rates."""
    curves = [day_curve(3600.0, Stretch(14, 1), generator(seed, Stream.MODULATION)) for seed in range(200)]
    assert np.mean([curve.rate_per_s for curve in curves]) == pytest.approx(1.67, rel=0.05)
