"""Arrivals and a mix of query types in, requests out: seeded, lazy, the same for every shard."""

from loadtester.workload.tokens import ASCII_CHARS_PER_TOKEN, estimate
from loadtester.workload.voices import known
from loadtester.workload.workload import Workload

__all__ = ["ASCII_CHARS_PER_TOKEN", "Workload", "estimate", "known"]
