"""Arrivals and a mix of query types in, requests out: seeded, lazy, the same for every shard."""

from loadtester.workload.tokens import ASCII_CHARS_PER_TOKEN, estimate
from loadtester.workload.visits import Step, Visits, mean_think_s
from loadtester.workload.voices import known
from loadtester.workload.workload import Workload

__all__ = ["ASCII_CHARS_PER_TOKEN", "Step", "Visits", "Workload", "estimate", "known", "mean_think_s"]
