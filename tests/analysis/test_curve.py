"""Latency by percentile, spaced by nines."""

import numpy as np
import pytest

from loadtester.analysis.curve import curve
from loadtester.analysis.resample import Resample, interval
from loadtester.model import Series
from loadtester.recorder import Interval, Recording, count_ns, recording

LATENCY = Series("latency", "q", "ai", "m", is_ok=True)


def _run(seconds, each, seed=1):
    rng = np.random.default_rng(seed)
    drawn = [(rng.lognormal(0.0, 0.5, each) * 1e9).astype(np.int64) for _ in range(seconds)]
    run = recording(Interval(i, counts={LATENCY: count_ns(one)}) for i, one in enumerate(drawn))
    return run, np.concatenate(drawn) / 1e9


def test_the_curve_is_that_of_the_samples():
    """Each point is the percentile of what was recorded, to the histogram's three digits."""
    run, values_s = _run(60, 200)
    found = curve(run, "latency")
    ranks = np.maximum(1, np.ceil(np.array(found.percents) / 100 * len(values_s) - 1e-9)).astype(int)
    exact = np.sort(values_s)[ranks - 1]
    assert np.allclose(found.seconds, exact, rtol=2e-3)


@pytest.mark.parametrize("count", [1, 58, 59, 299, 2_995])
def test_it_ends_where_samples_do(count):
    """The last percentile is one that still has a one-sided 95 % bound: p^n ≤ 5 %."""
    run, _ = _run(1, count)
    last = curve(run, "latency").percents[-1] / 100
    assert last**count <= 0.05 + 1e-9
    next_nine = 1 - (1 - last) * 10 ** (-1 / 20)
    assert next_nine**count > 0.05


def test_the_interval_holds_the_curve_and_narrows():
    """Low ≤ value ≤ high; sixteen times the samples make an interval less than half as wide."""
    few, many = (curve(_run(60, each)[0], "latency") for each in (20, 320))
    for found in (few, many):
        banded = [one for one in zip(found.low, found.seconds, found.high, strict=True) if one[0] is not None]
        assert len(banded) == len(found.banded) > 0
        assert all(low <= value <= high for low, value, high in banded)
    at = few.percents.index(90.0)
    assert many.percents[at] == 90.0
    assert many.high[at] - many.low[at] < (few.high[at] - few.low[at]) / 2


def test_a_short_run_has_no_interval():
    """Under half a minute says too little of how seconds vary."""
    found = curve(_run(29, 50)[0], "latency")
    assert found.seconds
    assert found.low == found.high == ()


def test_nothing_recorded():
    """Without an answer there is no curve."""
    assert curve(Recording(), "latency").percents == ()


def test_the_band_is_the_report_s_own_interval():
    """Where both tell an interval of a percentile, page and summary tell the same one."""
    run, _ = _run(120, 40)
    found = curve(run, "latency")
    sample = Resample(run)
    for percent in (found.banded[0], 90.0):
        at = found.percents.index(percent)
        assert (found.low[at], found.high[at]) == interval(sample.percentile("latency", lambda _: True, percent))


@pytest.mark.parametrize(("seconds", "last"), [(30, 81.0), (60, 90.5), (120, 95.2)])
def test_the_band_ends_where_the_run_is_too_short(seconds, last):
    """Both ends are tails; however many answers a second had, their number does not make a run longer."""
    found = curve(_run(seconds, 200)[0], "latency")
    within = [100 - last <= percent <= last for percent in found.percents]
    assert not within[0]
    assert not within[-1]
    assert [bound is not None for bound in found.low] == [bound is not None for bound in found.high] == within
    assert found.banded == tuple(percent for percent, is_in in zip(found.percents, within, strict=True) if is_in)


def test_a_curve_without_intervals():
    """They are only drawn where they are asked for; the curve is the same."""
    run, _ = _run(60, 20)
    bare = curve(run, "latency", has_interval=False)
    assert bare.low == bare.high == ()
    assert bare.seconds == curve(run, "latency").seconds
