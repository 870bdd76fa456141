"""The truth server with a capacity that is known: a bucket of requests, or so many slots of a fixed service time.

`python capacity_server.py '{"service_s": 0.02, "bucket_per_s": 50, "bucket_depth": 200}' LOG`, as truth_server.py.
"""

import heapq
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import truth_server
import uvloop


@dataclass(frozen=True)
class Script(truth_server.Script):
    """What the target can do.

    A bucket of `bucket_depth` requests, full at first, refills with `bucket_per_s`; who finds it empty is refused. With
    `slots`, only so many requests are worked on at once, for `service_s` each, first come first served.
    """

    bucket_per_s: float | None = None
    bucket_depth: float = 0.0
    slots: int | None = None


class Target(truth_server.Target):
    """The state of its bucket and its slots."""

    def __init__(self, script, log):
        super().__init__(script, log)
        self.level, self.at_s = script.bucket_depth, time.perf_counter()
        self.free_s = [0.0] * (script.slots or 0)

    def is_over_quota(self):
        """Take one out of the bucket; is it empty?"""
        if self.script.bucket_per_s is None:
            return super().is_over_quota()
        now_s = time.perf_counter()
        poured = (now_s - self.at_s) * self.script.bucket_per_s
        self.level, self.at_s = min(self.script.bucket_depth, self.level + poured), now_s
        if self.level < 1:
            return True
        self.level -= 1
        return False


class Chat(truth_server.Chat):
    """Waits for a slot, where those are few."""

    def later(self, after_s, what, *args):
        """Call when the slot that is free first has worked on it."""
        free_s = self.target.free_s
        if not free_s:
            super().later(after_s, what, *args)
            return
        end_s = max(self.arrived_s, heapq.heappop(free_s)) + after_s
        heapq.heappush(free_s, end_s)
        self.target.loop.call_at(end_s, what, *args)


if __name__ == "__main__":
    truth_server.Target, truth_server.Chat = Target, Chat
    with Path(sys.argv[2]).open("w", encoding="utf-8", buffering=1 << 20) as lines:
        uvloop.run(truth_server.serve(Script(**json.loads(sys.argv[1])), lines))
