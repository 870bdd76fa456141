"""A shard's engine follows from the scenario: open for a rate, closed for users."""

import os
from decimal import Decimal

import pytest

from loadtester.engine import ClosedEngine, Engine
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Shard, plan_of, shard_engine, worker_count
from loadtester.scenario import resolve
from loadtester.schedule import Arrivals, Users


def engine_of(scenario, shard):
    return shard_engine(
        scenario, plan_of(scenario), None, shard=shard, price=lambda _model, _usage: None, sink=lambda *_: None
    )


@pytest.mark.parametrize(
    ("flags", "plan", "engine"),
    [({"load.rate": "5/s"}, Arrivals, Engine), ({"load.users": 5}, Users, ClosedEngine)],
)
def test_the_scenario_decides_the_model(flags, plan, engine):
    """Users make a closed run, everything else an open one."""
    scenario = resolve(flags)
    assert isinstance(plan_of(scenario), plan)
    assert isinstance(engine_of(scenario, Shard()), engine)


def test_stages_of_users_become_stays():
    """The plan has the scenario's users, from the start and from its stages."""
    plan = plan_of(resolve({"load.users": 2, "load.user_stages": ["10s:4"], "load.duration": "20s"}))
    assert (plan.start_ns / 1e9).tolist() == [0, 0, 5, 15]
    assert (plan.duration_s, plan.peak) == (20, 4)


def test_closed_shards_share_users_and_numbers():
    """Every user is in one shard, and no two shards number a request alike."""
    scenario = resolve({"load.users": 5})
    shards = [engine_of(scenario, Shard(index, 2)) for index in range(2)]
    assert sorted(number for engine in shards for number, _, _ in engine._stays) == list(range(5))
    assert [(engine._next_id, engine._id_step) for engine in shards] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("flags", "cores", "workers"),
    [
        ({"load.rate": "100/s"}, 8, 1),
        ({"load.rate": "5000/s", "load.duration": "1s"}, 8, 3),
        ({"load.users": 5}, 8, 1),
        ({"load.users": 10000, "load.think_time": "constant:1s"}, 8, 5),
        ({"load.users": 10000, "load.think_time": "constant:1s"}, 2, 2),
        ({"load.users": 10000, "load.think_time": "0s"}, 8, 1),
        ({"load.users": 5, "load.workers": 3}, 8, 3),
    ],
)
def test_workers_follow_the_busiest_second(monkeypatch, flags, cores, workers):
    """`auto` takes as many processes as arrivals, or users whose answers come at once, may need and cores are there."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    scenario = resolve(flags)
    assert worker_count(scenario, plan_of(scenario)) == workers


def test_without_bounds_there_is_no_guard():
    """A run that has none pays nothing for it."""
    assert engine_of(resolve({}), Shard())._guard is None


@pytest.mark.parametrize("flags", [{"load.users": 5}, {"load.rate": "5/s", "load.duration": "7s"}])
def test_workers_share_a_budget(flags):
    """Each has its part of the plan's; together they have no more than the whole, and no less but for rounding."""
    scenario = resolve({**flags, "safety.max_cost": "1.00"})
    caps = [engine_of(scenario, Shard(index, 3)).books().ledger.cap_usd for index in range(3)]
    assert Decimal("0.999997") <= sum(caps) <= 1
    assert engine_of(scenario, Shard()).books().ledger.cap_usd == 1


def test_workers_share_a_cap_on_the_rate():
    """Of five users two workers have three and two, and as much of the rate."""
    scenario = resolve({"load.users": 5, "safety.max_rate": "10/s"})
    caps = [engine_of(scenario, Shard(index, 2))._limits.max_per_s for index in range(2)]
    assert caps == [6.0, 4.0]


HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"


@pytest.mark.parametrize("warmup", ["2s", "9s"])
def test_a_warm_up_as_long_as_its_trace_is_refused(tmp_path, warmup):
    """How long a trace takes is known once it was read: where nothing is left to measure, no run begins."""
    trace = tmp_path / "t.csv"
    trace.write_text(f"{HEADER}\n2026-11-21 12:00:00.0,5,2\n2026-11-21 12:00:02.0,5,2\n")
    with pytest.raises(FmloadError, match=r"leaves nothing of trace .*t\.csv, which takes 2\.0 s") as caught:
        plan_of(resolve({"load.trace": str(trace), "load.warmup": warmup}))
    assert (caught.value.code, bool(caught.value.remedy)) == (Exit.INPUT, True)
    assert len(plan_of(resolve({"load.trace": str(trace), "load.warmup": "1.9s"}))) == 2
