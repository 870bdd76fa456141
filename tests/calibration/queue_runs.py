"""Seconds of simulated runs at a queue, for the test and the bench of over-saturation."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.thresholds.saturation import Saturation, Trend
from loadtester.model import Series
from loadtester.recorder import Interval
from loadtester.recorder.histogram import count_each_ns

#: Requests a second that ten servers can take, at a second each on average.
CAPACITY = 10
_SERIES = Series("ttft", "q", "ai", "m", True)


def queue(seed: int, rates: NDArray[np.float64]) -> list[Interval]:
    """Seconds of Poisson arrivals, so many in each on average, at ten servers with exponential times (M/M/10)."""
    rng = np.random.default_rng(seed)
    planned = rng.poisson(rates)
    due_s = np.sort(np.repeat(np.arange(len(rates)), planned) + rng.random(planned.sum()))
    begun_s, done_s = _served(due_s.tolist(), rng.exponential(1.0, len(due_s)).tolist())
    ends = np.sort(done_s)
    left = np.cumsum(planned) - np.searchsorted(ends, np.arange(1, len(rates) + 1))
    first_s = begun_s - due_s + 0.2 * (done_s - begun_s)
    waits_s = np.split(first_s[np.argsort(done_s)], np.searchsorted(ends, np.arange(len(rates) + 1)))[1:-1]
    counted = iter(count_each_ns([(one * 1e9).astype(np.int64) for one in waits_s if len(one)]))
    return [
        Interval(number, planned=n, in_flight=flying, counts={_SERIES: next(counted)} if len(waits) else {})
        for number, (n, flying, waits) in enumerate(zip(planned.tolist(), left.tolist(), waits_s, strict=True))
    ]


def _served(due_s: list[float], took_s: list[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each request was begun and done: whoever is free first takes the next."""
    free_s = [0.0] * CAPACITY
    begun, done = [], []
    for at_s, for_s in zip(due_s, took_s, strict=True):
        begun.append(max(at_s, free_s[0]))
        done.append(begun[-1] + for_s)
        heapq.heapreplace(free_s, done[-1])
    return np.array(begun), np.array(done)


def seen(seconds: list[Interval]) -> Saturation | None:
    """What is found first, if anything."""
    trend = Trend(len(seconds))
    return next((found for one in seconds if (found := trend.add(one)) is not None), None)
