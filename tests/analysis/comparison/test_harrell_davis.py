"""The Harrell-Davis quantile estimator on histograms."""

import numpy as np
import pytest
from scipy.stats.mstats import hdquantiles

from loadtester.analysis.comparison.harrell_davis import harrell_davis_s, samples_needed
from loadtester.recorder import Histogram
from loadtester.recorder.histogram import count_ns


@pytest.mark.parametrize("count", [5, 60, 2_000])
def test_it_is_that_of_the_values(count):
    """As SciPy has it of the values themselves, within the three digits that a histogram keeps."""
    values_s = np.random.default_rng(count).lognormal(0.0, 0.6, count)
    histogram = Histogram([count_ns((values_s * 1e9).astype(np.int64))])
    percents = (1, 10, 50, 90, 95, 99)
    expected = hdquantiles(values_s, prob=[percent / 100 for percent in percents])
    assert harrell_davis_s(histogram, percents) == pytest.approx(expected, rel=1e-3)


def test_one_value_is_every_quantile():
    """Weights add up to one, however few values share them."""
    histogram = Histogram([count_ns(np.array([250_000_000]))])
    assert harrell_davis_s(histogram, (1, 50, 99)) == pytest.approx([0.25] * 3, rel=1e-3)


@pytest.mark.parametrize(("percent", "needed"), [(50, 5), (95, 59), (99, 299), (5, 59), (1, 299)])
def test_samples_needed(percent, needed):
    """As docs/measurement.md has them, at both ends alike."""
    assert samples_needed(percent) == needed
