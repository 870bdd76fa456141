"""Blocks are as long as neighbours are alike, and intervals cover the truth."""

import numpy as np
import pytest

from loadtester.cost import bootstrap


def _autocorrelated(rng, n, rho):
    noise = rng.normal(size=n)
    series = np.empty(n)
    series[0] = noise[0] / np.sqrt(1 - rho**2)
    for i in range(1, n):
        series[i] = rho * series[i - 1] + noise[i]
    return series


def test_blocks_grow_with_the_memory_of_the_series():
    """Independent seconds need short blocks; the more alike neighbours are, the longer, up to the limit."""
    lengths = [
        np.median(
            [bootstrap.block_length(_autocorrelated(np.random.default_rng(seed), 600, rho)) for seed in range(15)]
        )
        for rho in (0.0, 0.5, 0.9)
    ]
    assert lengths[0] <= 4
    assert lengths[0] < lengths[1] < lengths[2] <= 74


def test_the_length_is_that_of_the_theory():
    """For an AR(1) series of known ρ the length is (3/2 · (2ρ/(1-ρ²))² · n)^(1/3) in the mean, within a third."""
    rho, n = 0.6, 4000
    known = (1.5 * (2 * rho / (1 - rho**2)) ** 2 * n) ** (1 / 3)
    found = np.mean([bootstrap.block_length(_autocorrelated(np.random.default_rng(s), n, rho)) for s in range(20)])
    assert found == pytest.approx(known, rel=1 / 3)


@pytest.mark.parametrize("series", [np.ones(100), np.arange(5.0), np.zeros(40)])
def test_nothing_to_learn_is_single_seconds(series):
    """A series that doesn't vary, or is short, has blocks of one."""
    assert bootstrap.block_length(series) == 1


def test_coverage():
    """Nominal 95 % intervals of a mean cover it at least 88 % of the time on an autocorrelated series of 600 s."""
    covered = 0
    for seed in range(100):
        series = 10 + _autocorrelated(np.random.default_rng(seed), 600, 0.6)
        drawn = bootstrap.sums(series[:, None], bootstrap.block_length(series), seed)
        low, high = bootstrap.interval(drawn[:, 0] / 600)
        covered += low <= 10 <= high
    assert covered >= 88


@pytest.mark.parametrize("length", [1, 7, 60])
def test_constant_columns_stay_what_they_are(length):
    """Sums over resampled runs of constant seconds are the run's own, whatever the block length."""
    columns = np.tile([2.0, 0.5], (60, 1))
    drawn = bootstrap.sums(columns, length, 1)
    assert np.allclose(drawn, [120.0, 30.0])


def test_seeded():
    """The same seed draws the same blocks, another one others."""
    columns = np.random.default_rng(0).random((100, 2))
    assert np.array_equal(bootstrap.sums(columns, 5, 1), bootstrap.sums(columns, 5, 1))
    assert not np.array_equal(bootstrap.sums(columns, 5, 1), bootstrap.sums(columns, 5, 2))
