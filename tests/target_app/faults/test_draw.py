"""target_app.faults.draw: the same seed and request, the same fault; windows, choices, counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from target_app.faults.draw import Call, Faults
from target_app.faults.plan import Fault, Kind, Plan


class Clock:
    def __init__(self):
        self.now_s = 100.0
        self.start = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self):
        return self.now_s

    def now(self):
        return self.start + timedelta(seconds=self.now_s)


def faults(*planned, seed=1, clock=None):
    clock = clock or Clock()
    return Faults(Plan(planned, seed), clock_s=clock, now=clock.now)


def kinds(drawer, calls):
    drawn = [drawer.draw(call) for call in calls]
    return [fault and fault.kind for fault in drawn]


def by_id(n_calls=2_000):
    return [Call(request_id=f"r-{number}") for number in range(n_calls)]


def test_a_fault_belongs_to_the_request_and_not_to_its_arrival():
    """In any order of arrival each request id has the same fault."""
    plan = [Fault(Kind.THROTTLE, 0.2), Fault(Kind.SERVER_ERROR, 0.2)]
    calls = by_id()
    found = dict(zip(calls, kinds(faults(*plan), calls), strict=True))
    shuffled = random.Random(1).sample(calls, len(calls))
    assert dict(zip(shuffled, kinds(faults(*plan), shuffled), strict=True)) == found
    assert kinds(faults(*plan, seed=2), calls) != list(found.values())


def test_calls_without_an_id_are_drawn_by_their_place():
    """The same order gives the same faults, and calls with ids between them do not disturb it."""
    plan = Fault(Kind.THROTTLE, 0.5)
    alone = kinds(faults(plan), [Call()] * 50)
    mixed = kinds(faults(plan), [call for number in range(50) for call in (Call(), Call(request_id=f"r-{number}"))])
    assert mixed[::2] == alone
    assert set(alone) == {None, Kind.THROTTLE}


def test_a_retry_is_drawn_for_anew():
    """What failed once by chance need not fail again: attempts of one request are draws of their own."""
    drawer = faults(Fault(Kind.THROTTLE, 0.5))
    assert set(kinds(drawer, [Call(request_id="r")] * 50)) == {None, Kind.THROTTLE}


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 1.0])
def test_rates_hold(rate):
    """Of 20,000 requests the share is the rate, within four standard deviations of chance."""
    n_calls = 20_000
    found = kinds(faults(Fault(Kind.THROTTLE, rate)), by_id(n_calls)).count(Kind.THROTTLE)
    assert abs(found - rate * n_calls) <= 4 * (n_calls * rate * (1 - rate)) ** 0.5


def test_the_first_that_fires_is_the_only_one():
    """Faults are tried in order, each with a chance of its own."""
    drawn = kinds(faults(Fault(Kind.THROTTLE, 0.5), Fault(Kind.SERVER_ERROR)), by_id())
    assert set(drawn) == {Kind.THROTTLE, Kind.SERVER_ERROR}
    both = kinds(faults(Fault(Kind.THROTTLE, 0.5), Fault(Kind.SERVER_ERROR, 0.5)), by_id())
    assert both.count(None) == pytest.approx(500, abs=100)


def test_a_kind_that_cannot_be_is_left_out():
    """The next one has its chance instead."""
    drawer = faults(Fault(Kind.BROKEN_STREAM), Fault(Kind.SERVER_ERROR))
    assert drawer.draw(Call(), without={Kind.BROKEN_STREAM}).kind is Kind.SERVER_ERROR


def test_windows_begin_with_the_plan():
    """from_s is inside and to_s is not; a plan put in force later counts from then."""
    clock = Clock()
    plan = Plan((Fault(Kind.THROTTLE, from_s=10, to_s=20),))
    drawer = Faults(plan, clock_s=clock, now=clock.now)

    def fires_at(now_s):
        clock.now_s = now_s
        return drawer.draw(Call()) is not None

    assert [fires_at(now_s) for now_s in (100, 109.9, 110, 119.9, 120)] == [False, False, True, True, False]
    drawer.put(plan)
    assert [fires_at(now_s) for now_s in (129.9, 130, 140)] == [False, True, False]


def test_windows_may_be_absolute():
    """from_at is inside and to_at is not."""
    clock = Clock()
    drawer = faults(
        Fault(Kind.THROTTLE, from_at=clock.start + timedelta(seconds=10), to_at=clock.start + timedelta(seconds=20)),
        clock=clock,
    )

    def fires_at(now_s):
        clock.now_s = now_s
        return drawer.draw(Call()) is not None

    assert [fires_at(now_s) for now_s in (9, 10, 19, 20)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("fault", "call", "is_hit"),
    [
        (Fault(Kind.THROTTLE, models=("a",)), Call(model="a"), True),
        (Fault(Kind.THROTTLE, models=("a",)), Call(model="b"), False),
        (Fault(Kind.THROTTLE, models=("a",)), Call(), False),
        (Fault(Kind.THROTTLE, query_types=("greeting",)), Call(query_type="greeting"), True),
        (Fault(Kind.THROTTLE, query_types=("greeting",)), Call(query_type="price_check"), False),
        (Fault(Kind.THROTTLE), Call(store="cache"), False),
        (Fault(Kind.STORE_DOWN), Call(model="a"), False),
        (Fault(Kind.STORE_DOWN), Call(store="cache"), True),
        (Fault(Kind.STORE_DOWN, stores=("cache",)), Call(store="cache"), True),
        (Fault(Kind.STORE_DOWN, stores=("cache",)), Call(store="sessions"), False),
    ],
)
def test_a_fault_is_for_those_it_names(fault, call, is_hit):
    """By model, by query type, by store; the model's faults are not the stores', nor the other way round."""
    assert (faults(fault).draw(call) is fault) is is_hit


def test_what_is_drawn_counts_only_when_it_happened():
    """Counts are of what was recorded, by kind, and begin anew with a new plan."""
    drawer = faults(Fault(Kind.THROTTLE))
    fault = drawer.draw(Call())
    assert drawer.counts() == {}
    drawer.record(fault)
    drawer.record(fault)
    drawer.record(Fault(Kind.STALL, delay_s=1))
    assert drawer.counts() == {"stall": 1, "throttle": 2}
    drawer.put(Plan())
    assert drawer.counts() == {}
    assert drawer.draw(Call()) is None
