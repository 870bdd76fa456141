"""Series of answers whose true percentiles and mean are known: autocorrelated, and bursty as a queue makes them."""

from itertools import pairwise

import numpy as np
from scipy.signal import lfilter
from scipy.stats import binom, norm

from loadtester.analysis.comparison.compare import corrected, judge, overall
from loadtester.analysis.comparison.measures import MEASURES, Margins
from loadtester.analysis.comparison.sample import Sample
from loadtester.analysis.resample import Resample, interval
from loadtester.model import Series
from loadtester.recorder import Interval, count_ns, recording

PER_S, SIGMA, MEDIAN_S = 10, 0.5, 0.5
PERCENTS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
#: AR(1) log-latency by its correlation from second to second, and an M/M/1 queue by its load.
KINDS = {"ar 0": 0.0, "ar 0.5": 0.5, "ar 0.8": 0.8, "ar 0.9": 0.9, "queue 0.5": 0.5, "queue 0.7": 0.7}
_BEFORE_S = 300


def answers(kind, seconds, seed):
    """The second and the latency in seconds of each answer, both sorted by time."""
    rng = np.random.default_rng(seed)
    return _queue(rng, seconds, KINDS[kind]) if kind.startswith("queue") else _ar(rng, seconds, KINDS[kind])


def truth(kind):
    """The true percentiles and mean, in seconds."""
    if kind.startswith("queue"):
        mean = KINDS[kind] / PER_S / (1 - KINDS[kind])
        return {name: -np.log(1 - share) * mean for name, share in PERCENTS.items()} | {"mean": mean}
    values = {name: MEDIAN_S * np.exp(SIGMA * norm.ppf(share)) for name, share in PERCENTS.items()}
    return values | {"mean": MEDIAN_S * np.exp(SIGMA**2 / 2)}


def seconds_of(kind, seconds, seed):
    """Each second's sum and number of latencies."""
    at, values = answers(kind, seconds, seed)
    return np.bincount(at, values, minlength=seconds), np.bincount(at, minlength=seconds).astype(float)


def coverage(kind, *, seconds, runs, seed):
    """The part of so many runs whose intervals hold the truth: fmload's, those of order statistics, and open ones.

    fmload's percentiles are left out where runs of this length have no interval of them. Open are those whose upper end
    is the run's highest value: that is where they end here, though the report says "or more".
    """
    drawn = [answers(kind, seconds, [seed, number]) for number in range(runs)]
    sample = Resample(_recording(drawn, seconds))
    known = truth(kind)
    given = [name for name, share in PERCENTS.items() if sample.is_enough_for(100 * share)]
    ours, naive, opened = (dict.fromkeys(names, 0) for names in ((*given, "mean"), PERCENTS, given))
    for number, (_, values) in enumerate(drawn):

        def part(key, name=str(number)):
            return key.query == name

        found = sample.spread("latency", part, [100 * PERCENTS[name] for name in given])
        for name, one in zip(ours, [*found.percentiles, found.mean], strict=True):
            low, high = interval(one)
            if name in given:
                opened[name] += high >= values.max()
            # A histogram's bucket is a thousandth wide.
            ours[name] += low * 0.999 <= known[name] <= high * 1.001
        ordered = np.sort(values)
        for name, share in PERCENTS.items():
            low, high = binom.ppf([0.025, 0.975], len(ordered), share).astype(int)
            naive[name] += ordered[low] <= known[name] <= ordered[min(high, len(ordered) - 1)]
    return tuple({name: n / runs for name, n in counted.items()} for counted in (ours, naive, opened))


def _recording(drawn, seconds):
    """All runs side by side, each as a query type of its own."""
    counts = [{} for _ in range(seconds)]
    for number, (at, values) in enumerate(drawn):
        edges = np.searchsorted(at, np.arange(seconds + 1))
        values_ns = (values * 1e9).astype(np.int64)
        for second, (start, end) in enumerate(pairwise(edges)):
            if end > start:
                counts[second][Series("latency", str(number), "ai", "m", True)] = count_ns(values_ns[start:end])
    return recording(Interval(second, planned=1, counts=found) for second, found in enumerate(counts))


def _ar(rng, seconds, rho):
    first, noise = rng.normal(size=1), rng.normal(size=seconds - 1) * np.sqrt(1 - rho**2)
    level = lfilter([1.0], [1.0, -rho], np.concatenate([first, noise]))
    at = np.repeat(np.arange(seconds), rng.poisson(PER_S, seconds))
    noise = (level[at] + rng.normal(size=len(at))) / np.sqrt(2)
    return at, MEDIAN_S * np.exp(SIGMA * noise)


def _queue(rng, seconds, load):
    """Lindley's recursion, as what is above the lowest point so far of a random walk."""
    n = int((seconds + _BEFORE_S) * PER_S * 1.3)
    gaps, service = rng.exponential(1 / PER_S, n), rng.exponential(load / PER_S, n)
    walk = np.concatenate([[0.0], np.cumsum(service[:-1] - gaps[1:])])
    took, at = walk - np.minimum.accumulate(walk) + service, np.cumsum(gaps)
    kept = (at >= _BEFORE_S) & (at < _BEFORE_S + seconds)
    return (at[kept] - _BEFORE_S).astype(int), took[kept]


def alarms(kind, *, seconds, pairs, seed):
    """The part of so many pairs of like runs of which a percentile is called worse or better, and any is.

    Each percentile is judged with the usual margin by itself; `any` is what is left of all three after correction.
    """
    margins = Margins()
    samples = [
        Sample({}, _recording([answers(kind, seconds, [seed, one, number]) for number in range(pairs)], seconds), None,
               None, seed=one)
        for one in (1, 2)
    ]  # fmt: skip
    measures = [one for one in MEASURES if one.name.startswith("latency.")]
    counted = dict.fromkeys([*PERCENTS, "any"], 0)
    for number in range(pairs):

        def part(key, name=str(number)):
            return key.query == name

        both = zip(*(one.quantiles("latency", part, [100 * share for share in PERCENTS.values()]) for one in samples),
                   strict=True)  # fmt: skip
        rows = [judge(one, *pair, margins.of(one)) for one, pair in zip(measures, both, strict=True)]
        for name, row in zip(PERCENTS, rows, strict=True):
            counted[name] += row.verdict in ("worse", "better")
        counted["any"] += overall(corrected(rows)) in ("worse", "better")
    return {name: count / pairs for name, count in counted.items()}
