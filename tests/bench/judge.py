"""What judging costs: all intervals of a run of a million requests, of 3,600 s, seven query types and two models."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import numpy as np

from loadtester.analysis.figures import figures, totals
from loadtester.analysis.intervals import with_intervals
from loadtester.analysis.resample import Resample
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording, count_ns, recording

SECONDS, PER_S = 3_600, 278
QUERIES = [(f"query {number}", f"model {number % 2}") for number in range(7)]
METRICS = ("latency", "service", "lag", "ttft", "itl", "tpot", "connect")


def rows() -> Iterator[tuple[str, str]]:
    """The bench's lines."""
    run = _run()
    prices = price_table({model: {"input": 1.0, "output": 5.0} for _, model in QUERIES})
    whole = totals(run)
    parts = [lambda _: True]
    parts += [lambda key, name=name: key.query == name for name, _ in QUERIES]
    parts += [lambda key, name=name: key.model == name for name in ("model 0", "model 1")]
    found = [figures(whole, part, prices, due=None, duration_s=SECONDS, elapsed_s=SECONDS) for part in parts]
    before_s = time.process_time()
    sample = Resample(run)
    for one, part in zip(found, parts, strict=True):
        with_intervals(one, part, sample, prices, is_whole=part is parts[0])
    took_s = time.process_time() - before_s
    yield "intervals of 1,000,000 requests, 10 parts", f"{took_s:.2f} s CPU (goal 1)"
    yield (
        "memory after them, the run's histograms included",
        (f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"),
    )


def _run() -> Recording:
    rng = np.random.default_rng(1)
    intervals = []
    for second in range(SECONDS):
        cells, counts = {}, {}
        for query, model in QUERIES:
            n = PER_S // len(QUERIES)
            cells[CellKey(query, "ai", model, model, Outcome.OK)] = Cell(n, n, n - 1, input=n * 300, output=n * 90)
            for metric in METRICS:
                values_ns = rng.lognormal(20.0, 0.5, n).astype(np.int64)
                counts[Series(metric, query, "ai", model, True)] = count_ns(values_ns)
        intervals.append(Interval(second, planned=PER_S, sent=PER_S, cells=cells, counts=counts))
    return recording(intervals)
