"""Seconds of a run, and what a Meter makes of them."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pytest

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Counts, Interval, Meter, count_ns

MODEL = "model-a"


def _second_of(second=0, *, latency_s=0.5, query="pushed", kind="ai", said="slow down", **outcomes):
    """A second in which so many requests ended in each outcome; the ok ones took `latency_s`."""
    cells, failures, counts = {}, Counter(), {}
    for name, n in outcomes.items():
        outcome = Outcome(name)
        is_ok = outcome is Outcome.OK
        used = {"input": 500 * n, "output": 200 * n, "usd": Decimal("0.0035") * n} if is_ok else {}
        key = CellKey(query, kind, MODEL, MODEL if is_ok else "", outcome)
        # Refusals are quick, too: the recorder counts all that ended within the SLO, whatever it ended in.
        cells[key] = Cell(count=n, sent=0 if outcome is Outcome.DROPPED else n, in_slo=n, **used)
        if not is_ok:
            failures[(outcome, said)] += n
    n_ok = outcomes.get("ok", 0)
    if n_ok:
        values = {"latency": latency_s, "service": latency_s, "ttft": latency_s / 2, "ttft_service": latency_s / 2}
        for metric, value_s in {**values, "lag": 0.001}.items():
            one = count_ns(np.array([round(value_s * 1e9)]))
            counts[Series(metric, query, kind, MODEL, is_ok=True)] = Counts(one.indices, one.counts * n_ok)
    n = sum(outcomes.values())
    return Interval(
        second, planned=n, sent=n, in_flight=3, busiest_s=0.2, cells=cells, counts=counts, failures=failures
    )


@pytest.fixture
def second_of():
    """Makes a second."""
    return _second_of


@pytest.fixture
def tick_of():
    """Makes the tick of a run's first second."""
    return lambda **outcomes: Meter().add(_second_of(**outcomes))
