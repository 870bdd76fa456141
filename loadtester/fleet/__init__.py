"""Shards of a run, wherever they run."""

from loadtester.fleet.local import LocalFleet
from loadtester.fleet.shard import Shard, arrivals_of, shard_engine, worker_count

__all__ = ["LocalFleet", "Shard", "arrivals_of", "shard_engine", "worker_count"]
