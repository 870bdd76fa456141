"""Targets whose capacity is known and searches of them: the real decisions and the real figures, no clock.

`python tests/analysis/search/simulated.py 9000 9200` prints, for seeds from the one to the other, how many end near the
truth.
"""

import heapq
import math
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np

from loadtester.analysis.search.decisions import bracket_of, decide, next_step
from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step import Bounds, Probe, Step
from loadtester.analysis.search.step_requests import Requests
from loadtester.analysis.search.window import window_of
from loadtester.model import Outcome

OK, THROTTLED = list(Outcome).index(Outcome.OK), list(Outcome).index(Outcome.THROTTLED)
SLO_S = 1.0


class BucketTarget:
    """Answers at once, out of a bucket that is full at first: the highest rate that keeps the SLA is its refill's."""

    def __init__(self, per_s, depth_s=60.0):
        self.per_s, self.depth = per_s, per_s * depth_s
        self.level, self.at_s = self.depth, 0.0

    def answer(self, due_s, now_s):
        done_s, outcome = due_s + 0.05, np.full(len(due_s), OK)
        level, last_s = self.level, self.at_s
        for row, at_s in enumerate((due_s + now_s).tolist()):
            level = min(self.depth, level + (at_s - last_s) * self.per_s)
            last_s = at_s
            if level >= 1:
                level -= 1
            else:
                outcome[row] = THROTTLED
        self.level, self.at_s = level, last_s
        return done_s, outcome


class SlotTarget:
    """So many slots of a fixed service time, first come first served; what waits longest breaks the SLO."""

    def __init__(self, slots, service_s):
        self.slots, self.service_s = slots, service_s
        self.per_s = slots / service_s

    def answer(self, due_s, now_s):  # noqa: ARG002  its queue has drained between steps
        free_s = [0.0] * self.slots
        done_s = np.empty(len(due_s))
        for row, at_s in enumerate(due_s.tolist()):
            done_s[row] = max(at_s, heapq.heappop(free_s)) + self.service_s
            heapq.heappush(free_s, done_s[row])
        return done_s, np.full(len(due_s), OK)


def poisson(probe, rng):
    """Arrivals of a step: the surge, then the rest."""
    parts = []
    for rate_per_s, start_s, length_s in (
        (probe.surge_per_s, 0.0, probe.surge_s),
        (probe.rate_per_s, probe.surge_s + probe.pause_s, probe.settle_s + probe.window_s),
    ):
        parts.append(start_s + np.sort(rng.uniform(0.0, length_s, rng.poisson(rate_per_s * length_s))))
    return np.concatenate(parts)


def search(bounds, target, seed, left_usd=None, usd_of=lambda _: Decimal("0.001"), gap_s=2.0, stated_per_s=None):
    """All steps of a search, how it ended, and what it spent; the engine's guard is what keeps each within the rest."""
    rng, steps, now_s, spent = np.random.default_rng(seed), [], 0.0, Decimal(0)
    while isinstance(probe := next_step(bounds, steps, None if left_usd is None else left_usd - spent), Probe):
        due_s = poisson(probe, rng)
        now_s += gap_s
        done_s, outcome = target.answer(due_s, now_s)
        usd = usd_of(now_s) * int((outcome == OK).sum())
        if left_usd is not None and usd > left_usd - spent:
            return steps, "budget", left_usd, now_s
        now_s += probe.duration_s
        first_s = np.where(outcome == OK, done_s, math.inf)
        requests = Requests(due_s, due_s, first_s, done_s, outcome, np.ones(len(due_s), dtype=bool))
        window = window_of(
            requests, bounds.goal, SLO_S, start_s=probe.start_s, end_s=probe.duration_s,
            is_bucket=bounds.counting == "bucket",
        )  # fmt: skip
        verdict, by_value = decide(bounds, probe, window)
        steps.append(Step(probe, window, verdict, by_value, gap_s, usd, allowed_per_s=stated_per_s))
        spent += usd
    return steps, probe, spent, now_s


BOUNDS = Bounds(goal_of("sla>=99%"), from_per_s=1.0, to_per_s=1_000.0, precision=0.05, step_s=30.0, max_steps=40)


def slots_truth_per_s(target):
    """The rate at which 1 % waits too long.

    Of M/D/c near saturation P(W > t) = exp(-2 (1 - rho) c t / s), with s the service time (Kingman's heavy traffic).
    """
    waits = 2 * target.slots * (SLO_S - target.service_s) / target.service_s
    return target.per_s * (1 - math.log(100) / waits)


def off(steps, truth_per_s):
    """How far the answer is from the truth."""
    return bracket_of(BOUNDS, steps).passed.rate_per_s / truth_per_s - 1


def shares(first, last):
    """For each kind of target how many searches were found, and how many of those within the precision."""
    kinds = {
        "quota": (BOUNDS, lambda seed: BucketTarget(25.0 + seed % 40)),
        "slots": (replace(BOUNDS, from_per_s=16.0), lambda seed: SlotTarget(60 + 2 * (seed % 20), 0.5)),
        "quota, short steps": (
            replace(BOUNDS, from_per_s=40.0, step_s=2.0),
            lambda seed: BucketTarget(100.0 + seed % 40, depth_s=1.0),
        ),
    }
    for kind, (bounds, target_of) in kinds.items():
        count = near = 0
        for seed in range(first, last):
            target = target_of(seed)
            truth_per_s = slots_truth_per_s(target) if isinstance(target, SlotTarget) else target.per_s / 0.99
            steps, ending, _, _ = search(bounds, target, seed)
            count += ending == "found"
            near += ending == "found" and abs(off(steps, truth_per_s)) <= bounds.precision
        yield kind, count, near


if __name__ == "__main__":
    for kind, count, near in shares(int(sys.argv[1]), int(sys.argv[2])):
        sys.stdout.write(f"{kind}: {count} found, {near} within {BOUNDS.precision:.0%}\n")
