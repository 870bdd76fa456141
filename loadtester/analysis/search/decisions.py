"""The decisions of a search for the highest rate that meets a goal; pure: the steps so far in, the next one out.

Doubling from the lower bound until a step fails, then closing in: around what a quota was seen to let in where one was
met, else by halving the ratio. A pass counts as proven only where it can't have been a quota's full bucket that let it
pass: once a step was refused, each further one begins with a surge that empties it, and passes from before count no
longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from loadtester.analysis.search.step import Bounds, Bracket, Ending, Probe, Step, Verdict, whole_minutes_s
from loadtester.analysis.search.step_quota import (
    MOST_SURGES,
    REFUSALS_BREAK,
    edge_per_s,
    is_borne_out,
    is_met,
    is_topped,
    looks_good,
)
from loadtester.analysis.search.surge import LONGEST_SURGE_S, is_reckoned, is_surged, refill_per_s, surge_of
from loadtester.analysis.search.window import Window

#: Part of a step's time that is left out before the window begins.
_SETTLE: Final = 0.2
_Z: Final = 1.959964
#: Steps in a row that the generator spoilt: one may have been a moment's misfortune.
_SPOILT: Final = 3
#: Rates closer than this are the same.
_SAME: Final = 1 + 1e-9
#: The part of the precision that the two rates around a quota's are apart: less than all of it, so that both end it.
_BESIDE: Final = 0.48
#: A foretold rate that would shrink the bracket by less than this part of the precision is not worth a step.
_WORTH: Final = 0.25


def decide(bounds: Bounds, probe: Probe, window: Window) -> tuple[Verdict, bool]:
    """The verdict on a step, and whether it is by value alone; a step without a request in its window is undecided."""
    certain = _certain(bounds.goal.needed, window)
    if certain is not None:
        return certain, False
    if probe.window_s * _SAME < bounds.longest_s:
        return "undecided", False
    is_good = window.good is not None and window.good >= bounds.goal.needed and not window.grown
    return "pass" if is_good else "fail", True


def _certain(needed: float, window: Window) -> Verdict | None:
    """What the interval says, where it is on one side of the limit."""
    if window.cause == "dropped":
        return "fail"
    if window.good_ci95 is None:
        return None
    low, high = window.good_ci95
    if high < needed:
        return "fail"
    return "pass" if low >= needed and not window.grown else None


def bracket_of(bounds: Bounds, steps: Sequence[Step]) -> Bracket:
    """What is known: between them lies the answer."""
    failed = min((step for step in steps if step.verdict == "fail"), key=lambda step: step.rate_per_s, default=None)
    below = math.inf if failed is None else failed.rate_per_s
    proven = [step for step in steps if step.rate_per_s < below and _is_proven(bounds, steps, step)]
    return Bracket(max(proven, key=lambda step: step.rate_per_s, default=None), failed)


def next_step(bounds: Bounds, steps: Sequence[Step], left_usd: Decimal | None = None) -> Probe | Ending:
    """The next step to take, or how the search has ended.

    `left_usd` is what may still be spent; a step that would probably cost more is not begun.
    """
    bracket = bracket_of(bounds, steps)
    ended = _ended(bounds, bracket) or _reckoned(bounds, steps, bracket)
    if ended is not None:
        return ended
    if [step.verdict for step in steps[-_SPOILT:]] == ["invalid"] * _SPOILT:
        return "generator"
    if len(steps) >= bounds.max_steps:
        return "steps"
    probe = _probe(bounds, steps, bracket)
    if left_usd is not None and (left_usd <= 0 or _expected_usd(probe, steps) > left_usd):
        return "budget"
    return probe


def _ended(bounds: Bounds, bracket: Bracket) -> Ending | None:
    passed, failed = bracket.passed, bracket.failed
    if failed is not None and failed.rate_per_s <= bounds.from_per_s * _SAME:
        return "not_even"
    if passed is None:
        return None
    if failed is None:
        return "at_least" if passed.rate_per_s * _SAME >= bounds.to_per_s else None
    return "found" if failed.rate_per_s <= passed.rate_per_s * (1 + bounds.precision) * _SAME else None


def _reckoned(bounds: Bounds, steps: Sequence[Step], bracket: Bracket) -> Ending | None:
    """Whether what is left of the bracket is the stated quota's to say."""
    edge = edge_per_s(bounds, steps)
    if edge is None or not is_reckoned(bounds, steps):
        return None
    if edge < bounds.from_per_s:
        return "not_even"
    passed, failed = bracket.passed, bracket.failed
    is_under = failed is not None and failed.rate_per_s <= edge
    is_near = passed is not None and edge <= passed.rate_per_s * (1 + bounds.precision) * _SAME
    return "quota" if is_near and not is_under else None


def _probe(bounds: Bounds, steps: Sequence[Step], bracket: Bracket) -> Probe:
    rate_per_s, is_climbing = _next_rate(bounds, steps, bracket)
    window_s = bounds.shortest_s if is_climbing else _window_s(bounds, steps, rate_per_s)
    same = _at(steps, rate_per_s)
    # Undecided, however it looked: the same again, longer.
    window_s = max([window_s, *(2 * step.probe.window_s for step in same if step.verdict == "undecided")])
    window_s = min(window_s, bounds.longest_s)
    settle_s = _SETTLE * bounds.step_s
    if not is_surged(bounds, steps):
        return Probe(rate_per_s, window_s, settle_s)
    surge_per_s, surge_s = surge_of(bounds, steps)
    missed = [step.probe.surge_s for step in same if step.probe.surge_s and not step.window.was_empty]
    surge_s = min(max([surge_s, *(2 * length_s for length_s in missed)]), 2 * LONGEST_SURGE_S)
    # An empty bucket refuses by chance what it would carry in the long run: Poisson arrivals stray by as much as the
    # root of their number. As many are left to pour in; over the edge they are used up before the window ends.
    strays = math.sqrt(rate_per_s * window_s) if bounds.arrivals == "poisson" else 0.0
    pause_s = strays / refill_per_s(steps)
    return Probe(rate_per_s, window_s, max(settle_s, window_s / 2), surge_per_s, surge_s, pause_s)


def _next_rate(bounds: Bounds, steps: Sequence[Step], bracket: Bracket) -> tuple[float, bool]:
    """The rate of the next step, and whether it only climbs: then a pass by value is enough to go on."""
    if not steps:
        return bounds.from_per_s, True
    if bracket.failed is not None:
        return _between(bounds, steps, bracket.passed, bracket.failed), False
    top = max(steps, key=lambda step: step.rate_per_s)
    at_top = _at(steps, top.rate_per_s)
    if top.rate_per_s * _SAME < bounds.to_per_s and any(looks_good(bounds, step) for step in at_top):
        return min(2 * top.rate_per_s, bounds.to_per_s), True
    if not (is_met(steps) or is_topped(bounds, steps)):
        return top.rate_per_s, False
    last = steps[-1]
    if (last.probe.surge_s or is_borne_out(bounds, steps, last)) and _is_open(bounds, steps, last):
        return last.rate_per_s, False
    low_per_s = bounds.from_per_s / _SAME if bracket.passed is None else bracket.passed.rate_per_s
    foretold_per_s = _foretold(bounds, steps, low_per_s, bounds.to_per_s)
    is_unsure = bracket.passed is None and not is_met(steps)
    return foretold_per_s or (bounds.from_per_s if is_unsure else top.rate_per_s), False


def _between(bounds: Bounds, steps: Sequence[Step], passed: Step | None, failed: Step) -> float:
    """Where in the bracket to look next: the same again where that was left open, where foretold, or in the middle."""
    low_per_s = bounds.from_per_s / _SAME if passed is None else passed.rate_per_s
    if low_per_s < steps[-1].rate_per_s < failed.rate_per_s and _is_open(bounds, steps, steps[-1]):
        return steps[-1].rate_per_s
    foretold_per_s = _foretold(bounds, steps, low_per_s, failed.rate_per_s)
    if foretold_per_s is not None:
        return foretold_per_s
    if passed is not None:
        return math.sqrt(passed.rate_per_s * failed.rate_per_s)
    hopeful = [step.rate_per_s for step in steps if step.rate_per_s < failed.rate_per_s and looks_good(bounds, step)]
    return max([failed.rate_per_s / 2, bounds.from_per_s, *hopeful])


def _is_open(bounds: Bounds, steps: Sequence[Step], step: Step) -> bool:
    """Whether its rate is to be taken again: nothing was decided, or its pass isn't proven."""
    return step.verdict not in ("pass", "fail") or (step.verdict == "pass" and not _is_proven(bounds, steps, step))


def _foretold(bounds: Bounds, steps: Sequence[Step], low_per_s: float, high_per_s: float) -> float | None:
    """A rate well inside the bracket and just beside what a quota let in, None where none is.

    Two such rates that differ by the precision, one that passes and one that fails, are the answer. How many requests a
    bucket lets in while it is empty doesn't depend on how many it refuses, so one overload foretells it to a percent.
    """
    if is_met(steps):
        edge = refill_per_s(steps) / bounds.goal.needed if is_surged(bounds, steps) else None
    else:
        edge = edge_per_s(bounds, steps) if is_topped(bounds, steps) else None
    if edge is None or (bounds.goal.metric not in REFUSALS_BREAK and not is_reckoned(bounds, steps)):
        return None
    beside, worth = (1 + bounds.precision) ** _BESIDE, (1 + bounds.precision) ** _WORTH
    # Over the edge of a bucket that can't be emptied, it would only let in as much again.
    places = (-1,) if is_reckoned(bounds, steps) else (-1, 1, 3, -3)
    rates = [edge * beside**place for place in places]
    return next((rate for rate in rates if low_per_s * worth <= rate <= high_per_s / worth), None)


def _window_s(bounds: Bounds, steps: Sequence[Step], rate_per_s: float) -> float:
    """Long enough for as many requests as a verdict needs, within the shortest and the longest.

    A share of all good ones clears its limit with z² needed / (1 - needed) of them (Wilson); twice that leaves room for
    a bad one. At a quota's edge Poisson arrivals, whose number
    strays by its root, are told from it by (2 / precision)².
    """
    needed = bounds.goal.needed
    count = 2 * _Z**2 * needed / (1 - needed) if needed < 1 else math.inf
    if is_surged(bounds, steps) and bounds.arrivals == "poisson":
        count = max(count, (2 / bounds.precision) ** 2)
    window_s = min(max(count / rate_per_s, bounds.shortest_s), bounds.longest_s)
    return whole_minutes_s(window_s) if bounds.counting == "minute" else window_s


def _is_proven(bounds: Bounds, steps: Sequence[Step], step: Step) -> bool:
    if step.verdict != "pass":
        return False
    if step.window.was_empty:
        return True
    if not is_met(steps):
        return is_borne_out(bounds, steps, step)
    if not is_surged(bounds, steps):
        return True
    return sum(bool(one.probe.surge_s) for one in _at(steps, step.rate_per_s)) >= MOST_SURGES


def _at(steps: Sequence[Step], rate_per_s: float) -> list[Step]:
    return [step for step in steps if rate_per_s / _SAME <= step.rate_per_s <= rate_per_s * _SAME]


def _expected_usd(probe: Probe, steps: Sequence[Step]) -> Decimal:
    """What it will probably cost, from what requests cost so far; 0 where nothing is known."""
    paid = [step for step in steps if step.usd is not None]
    requests = sum(step.probe.requests for step in paid)
    if not requests:
        return Decimal(0)
    return sum((step.usd or Decimal(0) for step in paid), Decimal(0)) * Decimal(probe.requests / requests)
