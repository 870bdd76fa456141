"""One shard of a run on one process: from a scenario and the whole plan to a running engine."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from loadtester.cost.budget import Budget, share_of
from loadtester.drivers import Driver
from loadtester.engine import AnyEngine, Backoff, ClosedEngine, Engine, Guard, Limits, Sink
from loadtester.errors import Exit, FmloadError
from loadtester.fleet.reservation import worst_case
from loadtester.recorder import Keeper, Price, Recorder
from loadtester.scenario import Scenario
from loadtester.scenario.personal import redactor
from loadtester.schedule import Arrivals, Users, plan, read_trace, users
from loadtester.workload import Visits, Workload, mean_think_s

#: What is settled of a run before it begins: when requests are due, or who is there.
Plan = Arrivals | Users


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of the plan: the conversations, or users, numbered `index` modulo `count`."""

    index: int = 0
    count: int = 1


def shard_engine(
    scenario: Scenario, plan: Plan, driver: Driver, *, shard: Shard, price: Price, sink: Sink
) -> AnyEngine:
    """The engine that will run this shard of the plan at `driver`; nothing is sent until its `run`."""
    mine = plan.shard(shard.index, shard.count) if shard.count > 1 else plan
    load = scenario.load
    recorder = Recorder(
        slo_s=scenario.judge.slo_s,
        price=price,
        worker=shard.index,
        warmup_s=load.warmup_s,
        keeper=_keeper(scenario, shard.index),
    )
    part, whole = len(mine), len(plan)
    most_per_s = scenario.safety.max_rate_per_s
    share_per_s = most_per_s * part / whole if most_per_s is not None and part else None
    limits = Limits(load.max_in_flight, load.timeout_s, load.graceful_stop_s, share_per_s)
    guard = _guard(scenario, driver, price, part, whole)
    if isinstance(mine, Users):
        visits = Visits(
            scenario.mix, load.think_time, max_tokens=scenario.max_tokens, seed=load.seed, ai_users=load.ai_users
        )
        return ClosedEngine(
            mine, visits, driver, recorder, limits, sink, shard=shard.index, shards=shard.count, guard=guard
        )
    workload = Workload(mine, scenario.mix, max_tokens=scenario.max_tokens, seed=load.seed)
    return Engine(mine, workload, driver, recorder, limits, sink, guard=guard)


def _keeper(scenario: Scenario, worker: int) -> Keeper | None:
    """What keeps exchanges to be looked at; None where none are to be kept."""
    keep = scenario.output.keep
    redact = redactor(scenario.output.redact)
    return Keeper(keep, seed=scenario.load.seed, redact=redact, worker=worker) if keep else None


def _guard(scenario: Scenario, driver: Driver, price: Price, part: int, whole: int) -> Guard | None:
    """What keeps a shard with `part` of the `whole` plan within the run's bounds; None where the run has none."""
    load, safety = scenario.load, scenario.safety
    is_patient = load.on_throttle == "backoff"
    if safety.max_cost_usd is None and safety.max_requests is None and not is_patient:
        return None
    budget = None
    if safety.max_cost_usd is not None:
        budget = Budget(share_of(safety.max_cost_usd, part, whole), worst_case(scenario, price))
    backoff = Backoff(seed=load.seed, max_attempts=load.max_attempts, limit_s=load.timeout_s) if is_patient else None
    return Guard(driver, price=price, budget=budget, max_requests=safety.max_requests, backoff=backoff)


def plan_of(scenario: Scenario) -> Plan:
    """The whole plan of a scenario: its users, or its arrivals."""
    load = scenario.load
    if load.pattern != "users":
        return arrivals_of(scenario)
    stages = [(stage.duration_s, stage.users) for stage in load.user_stages]
    return users(load.users or 0, load.duration_s, stages)


def arrivals_of(scenario: Scenario) -> Arrivals:
    """The whole plan of an open scenario: generated from its pattern, or read from its trace."""
    load = scenario.load
    if load.trace is not None:
        traced = read_trace(load.trace, speed=load.speed, duration_s=load.duration_s, requests=load.requests)
        if traced.duration_s <= load.warmup_s:
            raise FmloadError(
                f"a warm-up of {load.warmup_s:g} s leaves nothing of trace {load.trace}, which takes "
                f"{traced.duration_s:.1f} s",
                remedy="make --warmup shorter, or name a longer trace",
                code=Exit.INPUT,
            )
        return traced
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


def worker_count(scenario: Scenario, plan: Plan) -> int:
    """How many processes send: as many as were asked for, or as the plan's busiest second needs and cores are there."""
    if scenario.load.workers:
        return scenario.load.workers
    busiest = _users_per_s(scenario, plan) if isinstance(plan, Users) else _busiest(plan)
    return max(1, min(os.cpu_count() or 1, math.ceil(busiest / _AUTO_PER_S)))


def _busiest(arrivals: Arrivals) -> float:
    return float(np.bincount(arrivals.due_ns // 1_000_000_000).max()) if len(arrivals) else 0.0


def _users_per_s(scenario: Scenario, users: Users) -> float:
    """What the most users ask of a target that answers at once; without think time that can't be told, and is 0."""
    think_s = mean_think_s(scenario.load.think_time)
    return users.peak / think_s if think_s else 0.0
