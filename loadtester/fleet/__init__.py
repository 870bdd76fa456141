"""Shards of a run, wherever they run."""

from loadtester.fleet.shard import Shard, shard_engine

__all__ = ["Shard", "shard_engine"]
