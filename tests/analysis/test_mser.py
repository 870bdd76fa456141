"""A start unlike the rest is found; a steady series is left alone."""

import numpy as np

from loadtester.analysis.mser import transient_s

ONES = np.ones(200)


def _noisy(seed, rho=0.5):
    rng = np.random.default_rng(seed)
    level = np.zeros(200)
    for second in range(1, 200):
        level[second] = rho * level[second - 1] + rng.normal()
    return np.exp(0.1 * level)


def test_a_slow_start_is_found_to_the_batch():
    """Thirty seconds at twice the latency, or a batch more, are what a warm-up would have to leave out."""
    series = _noisy(1)
    series[:30] *= 2
    assert transient_s(series, ONES) in (30, 35)


def test_a_quick_start_counts_as_well():
    """A cache that is filled makes a start quick that says nothing of the rest."""
    series = _noisy(2)
    series[:20] /= 2
    assert transient_s(series, ONES) == 20


def test_steady_series_raise_no_alarm():
    """Fewer than one steady series in twenty is taken for one with a start of its own."""
    assert sum(bool(transient_s(_noisy(seed), ONES)) for seed in range(100)) < 5


def test_a_difference_that_does_not_matter_is_none():
    """Five per cent are no warm-up, however sure they are."""
    series = np.ones(200)
    series[:50] *= 1.05
    assert transient_s(series, ONES) == 0


def test_what_is_too_little_is_not_judged():
    """Under fifty seconds, or with a batch without an answer, nothing is said."""
    assert transient_s(ONES[:49], ONES[:49]) is None
    counts = ONES.copy()
    counts[100:105] = 0
    assert transient_s(counts, counts) is None


def test_a_change_in_the_midst_of_a_run_is_no_start():
    """What goes on for over a third of the run is another state of the target, slower or quicker, and no warm-up."""
    for seed in range(20):
        for at, factor in ((0.43, 0.6), (0.6, 1.8)):
            series = _noisy(seed, rho=0.3)
            series[round(at * 200) :] *= factor
            assert not transient_s(series, ONES)


def test_a_rest_that_goes_on_changing_is_no_rest():
    """A slow start is not told where what comes after it changes its level, too: nothing here is steady."""
    series = _noisy(1)
    series[:30] *= 2
    assert transient_s(series, ONES)
    series[30:115] *= 1.5
    assert not transient_s(series, ONES)


def test_a_start_that_fades_is_found():
    """An exponential one, thrice as slow at first, is cut where what is left of it no longer stands out."""
    series = _noisy(1) * (1 + 2 * np.exp(-np.arange(200) / 15))
    assert 20 <= transient_s(series, ONES) <= 60
