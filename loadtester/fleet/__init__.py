"""Shards of a run, wherever they run."""

from loadtester.fleet.local import LocalFleet
from loadtester.fleet.shard import Plan, Shard, arrivals_of, plan_of, shard_engine, worker_count

__all__ = ["LocalFleet", "Plan", "Shard", "arrivals_of", "plan_of", "shard_engine", "worker_count"]
