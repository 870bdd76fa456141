"""One shard of a run on one process: from a scenario and the whole plan to a running engine."""

from __future__ import annotations

from dataclasses import dataclass

from loadtester.drivers import Driver
from loadtester.engine import Engine, Limits, Sink
from loadtester.recorder import Price, Recorder
from loadtester.scenario import Scenario
from loadtester.schedule import Arrivals
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
