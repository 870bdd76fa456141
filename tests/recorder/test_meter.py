"""The meter adds up what observers see, and agrees with the histograms of the whole run."""

from decimal import Decimal

import numpy as np
import pytest

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Histogram, Interval, Meter, Quantiles, count_ns

SERIES = Series("latency", "greeting", "ai", "m", is_ok=True)


def second(number, **changes):
    return Interval(number, **changes)


def cells(outcome, n, **used):
    return {CellKey("greeting", "ai", "m", "m", outcome): Cell(count=n, sent=n, **used)}


def test_percentiles_are_those_of_the_run_s_own_histogram():
    """What the screen says of the whole run is what its report will say, bucket for bucket."""
    rng = np.random.default_rng(7)
    parts = [count_ns(rng.lognormal(20.0, 1.0, 400).astype(np.int64)) for _ in range(30)]
    meter = Meter()
    for number, part in enumerate(parts):
        tick = meter.add(second(number, counts={SERIES: part}))
    whole, recent = Histogram(parts), Histogram(parts[-10:])
    for percent, seen, now in ((50, "p50_s", "p50_s"), (95, "p95_s", "p95_s"), (99, "p99_s", "p99_s")):
        assert getattr(tick.latency, seen) == whole.percentile_s(percent)
        assert getattr(tick.latency_now, now) == recent.percentile_s(percent)
    assert (tick.latency.count, tick.latency_now.count) == (12_000, 4_000)


def test_now_forgets_what_is_older_than_ten_seconds():
    """A burst of throttles long past is part of the whole, not of now."""
    meter = Meter()
    tick = meter.add(second(0, planned=50, sent=40, cells=cells(Outcome.THROTTLED, 40)))
    assert (tick.throttle_rate, tick.throttle_rate_now, tick.now_s) == (1.0, 1.0, 1)
    for number in range(1, 11):
        tick = meter.add(second(number, planned=4, sent=4, cells=cells(Outcome.OK, 4)))
    assert tick.throttle_rate == 0.5
    assert tick.throttle_rate_now == 0.0
    assert (tick.planned, tick.sent, tick.finished) == (90, 80, 80)
    assert (tick.planned_now_per_s, tick.sent_now_per_s, tick.finished_now_per_s) == (4.0, 4.0, 4.0)
    assert tick.second_finished == 4


def test_nothing_is_none():
    """A run without an answer has no percentile and no rate; none of them is 0."""
    tick = Meter().add(second(0))
    assert tick.latency == tick.ttft_now == tick.lag == Quantiles(0, None, None, None)
    assert tick.throttle_rate is None


def test_what_was_never_sent_is_not_finished_and_not_throttled():
    """Dropped requests are neither load nor answers."""
    tick = Meter().add(second(0, planned=3, cells=cells(Outcome.DROPPED, 2) | cells(Outcome.THROTTLED, 1)))
    assert (tick.finished, tick.throttle_rate) == (1, 1.0)


def test_failed_answers_are_no_latency_but_lag():
    """A refusal that comes at once makes nothing faster; that it was sent late counts all the same."""
    quick = count_ns(np.array([1_000_000]))
    failed = SERIES._replace(is_ok=False)
    tick = Meter().add(second(0, counts={failed: quick, failed._replace(metric="lag"): quick}))
    assert tick.latency.count == 0
    assert tick.lag.count == 1


def test_money_and_messages_are_by_query_type_as_the_projection_takes_them():
    """A cancelled request that was never sent is no message; one that was, is."""
    meter = Meter()
    meter.add(second(0, cells=cells(Outcome.OK, 3, usd=Decimal("0.03"), input=10, cache_read=5, output=2)))
    unsent = {CellKey("greeting", "ai", "m", "", Outcome.CANCELLED): Cell(count=5, sent=1)}
    tick = meter.add(second(1, cells=unsent))
    assert tick.usd_by_query == {"greeting": (Decimal("0.03"), 4)}
    assert (tick.usd, tick.input_tokens, tick.output_tokens) == (Decimal("0.03"), 15, 2)


@pytest.mark.parametrize("n", [1, 20])
def test_errors_are_the_newest_few(n):
    """What was said last comes first, with how often in all; there is room for five."""
    meter = Meter()
    meter.add(second(0, failures={(Outcome.TIMEOUT, "again"): 2}))
    for number in range(n):
        meter.add(second(number, failures={(Outcome.BROKEN, f"fault {number}"): 1}))
    tick = meter.add(second(99, failures={(Outcome.TIMEOUT, "again"): 1}))
    assert tick.errors[0] == (Outcome.TIMEOUT, "again", 3 if n == 1 else 1)
    assert len(tick.errors) == min(5, n + 1)


def test_the_warm_up_is_paid_for_and_is_in_no_percentile():
    """Its requests, tokens and money count, as they count against the budget; its latencies are not measured."""
    warm = cells(Outcome.OK, 3, input=30, output=6, usd=Decimal("0.5"))
    own = cells(Outcome.OK, 1, input=10, output=2, usd=Decimal("0.1"))
    meter = Meter()
    first = meter.add(second(0, planned=3, sent=3, warm_planned=3, warm_sent=3, warm=warm))
    assert (first.finished, first.usd, first.latency.count) == (3, Decimal("0.5"), 0)
    tick = meter.add(second(1, planned=1, sent=1, cells=own, counts={SERIES: count_ns(np.array([1_000_000]))}))
    assert (tick.planned, tick.finished, tick.input_tokens, tick.output_tokens) == (4, 4, 40, 8)
    assert (tick.usd, tick.latency.count) == (Decimal("0.6"), 1)
