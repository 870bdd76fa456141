"""One shard of a run on one process: from a scenario and the whole plan to a running engine."""

from __future__ import annotations

from dataclasses import dataclass

from loadtester.drivers import Driver
from loadtester.engine import Engine, Limits, Sink
from loadtester.recorder import Price, Recorder
from loadtester.scenario import Scenario
from loadtester.schedule import Arrivals, plan, read_trace
from loadtester.workload import Workload


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of the plan: the conversations numbered `index` modulo `count`."""

    index: int = 0
    count: int = 1


def shard_engine(
    scenario: Scenario, arrivals: Arrivals, driver: Driver, *, shard: Shard, price: Price, sink: Sink
) -> Engine:
    """The engine that will run this shard of the plan at `driver`; nothing is sent until its `run`."""
    mine = arrivals.shard(shard.index, shard.count) if shard.count > 1 else arrivals
    load = scenario.load
    return Engine(
        mine,
        Workload(mine, scenario.mix, max_tokens=scenario.max_tokens, seed=load.seed),
        driver,
        Recorder(slo_s=scenario.judge.slo_s, price=price, worker=shard.index),
        Limits(load.max_in_flight, load.timeout_s, load.graceful_stop_s),
        sink,
    )


def arrivals_of(scenario: Scenario) -> Arrivals:
    """The whole plan of a scenario: generated from its pattern, or read from its trace."""
    load = scenario.load
    if load.trace is not None:
        return read_trace(load.trace, speed=load.speed, duration_s=load.duration_s, requests=load.requests)
    return plan(
        load.pattern,
        rate_per_s=load.rate_per_s,
        duration_s=load.duration_s,
        requests=load.requests,
        arrivals=load.arrivals,
        stages=[(stage.duration_s, stage.rate_per_s) for stage in load.stages],
        seed=load.seed,
    )
