"""One shard of a run on one process: from a scenario and the whole plan to a running engine."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

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


#: Requests a second that one process is trusted with before `auto` takes another (tests/bench measures what it can).
_AUTO_PER_S = 2_000.0


def worker_count(scenario: Scenario, arrivals: Arrivals) -> int:
    """How many processes send: as many as were asked for, or as the plan's busiest second needs and cores are there."""
    if scenario.load.workers:
        return scenario.load.workers
    busiest = int(np.bincount(arrivals.due_ns // 1_000_000_000).max()) if len(arrivals) else 0
    return max(1, min(os.cpu_count() or 1, math.ceil(busiest / _AUTO_PER_S)))
