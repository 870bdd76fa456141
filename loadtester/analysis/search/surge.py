"""The surge before a step: enough requests too many to empty a quota's bucket, which else would let any rate pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadtester.analysis.search.step import Bounds, Step
from loadtester.analysis.search.step_quota import is_met, is_topped, looks_good, stated_per_s

#: Surges empty more than has been poured in since, by as much, and go on as long as it takes to see refusals.
_SURPLUS: Final = 1.5
_SHOWING: Final = 10
LONGEST_SURGE_S: Final = 120.0
_FASTEST_SURGE: Final = 2.0
#: A span of time between two steps, before there was one.
_USUAL_GAP_S: Final = 2.0
_MINUTE_S: Final = 60.0


def is_surged(bounds: Bounds, steps: Sequence[Step]) -> bool:
    """Whether there is a bucket, met or stated, that might be full, and can be emptied."""
    if bounds.counting != "bucket":
        return False
    return is_met(steps) or (is_topped(bounds, steps) and surge_of(bounds, steps)[1] < LONGEST_SURGE_S)


def is_reckoned(bounds: Bounds, steps: Sequence[Step]) -> bool:
    """Whether rates passed that only a full bucket of the stated quota can have let in, and it can't be emptied."""
    return is_topped(bounds, steps) and not is_surged(bounds, steps)


def surge_of(bounds: Bounds, steps: Sequence[Step]) -> tuple[float, float]:
    """At what rate and how long requests are sent to empty the bucket of what was poured in since it was empty.

    A quota that was not yet met is surged no faster than the target was seen to take.
    """
    let_in_per_s = refill_per_s(steps)
    if met := [step for step in steps if step.window.is_refused]:
        top_per_s = max(max(step.rate_per_s, step.probe.surge_per_s) for step in met)
        surge_per_s = max(top_per_s, min(_FASTEST_SURGE * let_in_per_s, bounds.to_per_s))
    else:
        surge_per_s = max(step.rate_per_s for step in steps if looks_good(bounds, step))
    gap_s = max((step.gap_s for step in steps), default=0.0) or _USUAL_GAP_S
    poured = min(_poured(steps, let_in_per_s) + gap_s * let_in_per_s, _MINUTE_S * let_in_per_s)
    drain_per_s = max(surge_per_s - let_in_per_s, 0.05 * let_in_per_s)
    return surge_per_s, min((_SURPLUS * poured + _SHOWING) / drain_per_s, LONGEST_SURGE_S)


def _poured(steps: Sequence[Step], let_in_per_s: float) -> float:
    """What is in the bucket after the steps, in requests: at first a minute's, as much as it holds."""
    full = poured = _MINUTE_S * let_in_per_s
    for step in steps:
        probe = step.probe
        left = max(0.0, let_in_per_s - step.rate_per_s) * (probe.settle_s + probe.window_s)
        left += probe.pause_s * let_in_per_s
        poured = min(poured + step.gap_s * let_in_per_s, full)
        poured = left if step.window.was_empty or step.window.is_refused else poured + left
        poured = 0.0 if step.window.is_empty else min(poured, full)
    return poured


def refill_per_s(steps: Sequence[Step]) -> float:
    """What the quota let in a second when it was last met; what it states where it never was."""
    met = [step for step in steps if step.window.is_refused]
    let_in = [step.window.let_in_per_s for step in met if step.window.let_in_per_s]
    if met:
        return let_in[-1] if let_in else min(step.rate_per_s for step in met)
    return stated_per_s(steps) or 0.0
