"""Replicates lie around the run's own figure, are the same each time, and know what they can't say."""

import math

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length

from loadtester.analysis.resample import Resample, effective, interval, seconds_for
from loadtester.cost import bootstrap
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Histogram, Interval, count_ns, recording

LATENCY = Series("latency", "greeting", "ai", "m", True)
KEY = CellKey("greeting", "ai", "m", "m", Outcome.OK)
SECONDS, PER_S = 200, 10


def everything(_):
    return True


def _run(seconds=SECONDS, first=0):
    rng = np.random.default_rng(1)
    return recording(
        Interval(
            first + second,
            planned=PER_S,
            cells={KEY: Cell(PER_S, PER_S, in_slo=int(rng.integers(5, 10)))},
            counts={LATENCY: count_ns((rng.lognormal(0, 0.5, PER_S) * 1e9).astype(np.int64))},
        )
        for second in range(seconds)
    )


def test_intervals_lie_around_the_figure():
    """Each percentile, mean and ratio is within its own interval, which is no point."""
    run = _run()
    sample = Resample(run)
    whole = Histogram()
    for one in run.intervals:
        whole.add(one.counts[LATENCY])
    for percent in (50, 95, 99):
        low, high = interval(sample.percentile("latency", everything, percent))
        assert low < whole.percentile_s(percent) < high
    low, high = interval(sample.mean("latency", everything))
    assert low < whole.mean_s() < high
    good, sent = sample.counter(everything, "in_slo"), sample.counter(everything, "sent")
    low, high = interval(sample.ratio(good, sent))
    assert low < good.sum() / sent.sum() < high


def test_the_same_run_has_the_same_intervals():
    """A report is reproducible; another seed draws others."""
    first, again, other = (Resample(_run(), seed=seed).percentile("latency", everything, 95) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_together_or_alone_is_the_same():
    """Percentiles that are asked for together are those asked for one by one, in any order."""
    sample = Resample(_run())
    both = sample.percentiles("latency", everything, (99, 50))
    assert np.array_equal(both[0], sample.percentile("latency", everything, 99))
    assert np.array_equal(both[1], sample.percentile("latency", everything, 50))


def test_independent_values_are_worth_what_they_count():
    """Of independent answers nearly all count; of answers that are alike for 20 s at a time few do."""
    assert Resample(_run()).effective("latency", everything) > SECONDS * PER_S / 4
    alike = recording(
        Interval(second, planned=1, counts={LATENCY: count_ns(np.full(PER_S, 10**9 * (1 + second // 20 % 2)))})
        for second in range(SECONDS)
    )
    assert Resample(alike).effective("latency", everything) < SECONDS * PER_S / 20


def test_values_that_do_not_scatter_have_no_effective_size():
    """The size can't be told where the mean is always the same."""
    assert effective(np.ones(100), 0.0, 100) is None


def test_seconds_are_without_gaps_and_without_the_warm_up():
    """A second in which nothing happened counts; seconds before anything was measured don't."""
    warm = Interval(0, planned=5, warm_planned=5, warm={KEY: Cell(5, 5)})
    run = recording([warm, *_run(40, first=1).intervals, *_run(10, first=60).intervals])
    sample = Resample(run)
    assert sample.seconds == 69
    assert sample.counter(everything, "sent").sum() == 50 * PER_S
    assert np.array_equal(sample.counter(everything, "sent"), sample.column(everything, lambda _, cell: cell.sent))


@pytest.mark.parametrize(("seconds", "is_enough"), [(0, False), (29, False), (30, True)])
def test_half_a_minute_is_the_least(seconds, is_enough):
    """Fewer seconds say too little of how they vary."""
    assert Resample(_run(seconds)).is_enough is is_enough


@pytest.mark.parametrize(
    ("percent", "seconds"),
    [(50, 30), (90, 57), (10, 57), (95, 117), (5, 117), (99, 597), (1, 597), (0, math.inf), (100, math.inf)],
)
def test_both_ends_of_a_distribution_take_long_runs(percent, seconds):
    """A low percentile rests on as few answers as a high one; the least and the most have no interval at all."""
    assert seconds_for(percent) == seconds
    assert not Resample(_run(29)).is_enough_for(percent)


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_block_lengths_are_those_of_arch(rho):
    """The library that the method's authors' code became says the same, within a third and a second."""
    rng = np.random.default_rng(3)
    series = np.zeros(800)
    for second in range(1, len(series)):
        series[second] = rho * series[second - 1] + rng.normal()
    theirs = float(optimal_block_length(series)["circular"].iloc[0])
    assert bootstrap.block_length(series) == pytest.approx(theirs, rel=1 / 3, abs=1)
