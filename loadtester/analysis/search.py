"""The decisions of a search for the highest rate that meets a goal; pure: the steps so far in, the next one out.

Doubling from the lower bound until a step fails, then bisection of the ratio. A pass counts as proven only where it
can't have been a quota's full bucket that let it pass: once a step was refused, each further one begins with a surge
that empties the bucket, and passes from before count no longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from loadtester.analysis.goal import Goal
from loadtester.analysis.window import Window
from loadtester.scenario import Window as Counting

#: `invalid`: the generator, not the target, was at its limit; `cut`: something ended the step before its time.
Verdict = Literal["pass", "fail", "undecided", "invalid", "cut"]

#: How a search ends: the first four by itself, the others by what happened to it.
Ending = Literal["found", "at_least", "not_even", "steps", "budget", "generator", "interrupted", "target"]

#: An undecided step is repeated twice as long, up to so many times as long as steps are.
LONGEST: Final = 4.0
#: Part of a step's time that is left out before the window begins.
_SETTLE: Final = 0.2
#: Surges empty more than has been poured in since, by as much, and go on as long as it takes to see refusals.
_SURPLUS: Final = 1.5
_SHOWING: Final = 10
_LONGEST_SURGE_S: Final = 120.0
_FASTEST_SURGE: Final = 2.0
#: A surge that found no bottom of a bucket so often is given up: there is no quota there any more.
_MOST_SURGES: Final = 3
#: A span of time between two steps, before there was one.
_USUAL_GAP_S: Final = 2.0
_MINUTE_S: Final = 60.0
_Z: Final = 1.959964
#: Steps in a row that the generator spoilt: one may have been a moment's misfortune.
_SPOILT: Final = 3
#: Rates closer than this are the same.
_SAME: Final = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search may do; `counting` is how a minute of the quota is counted."""

    goal: Goal
    from_per_s: float
    to_per_s: float
    precision: float
    step_s: float
    max_steps: int
    counting: Counting = "bucket"

    @property
    def longest_s(self) -> float:
        """Of a window."""
        return LONGEST * self.shortest_s

    @property
    def shortest_s(self) -> float:
        """Of a window; where a quota's minute is one of the clock, it holds whole ones."""
        return _whole_minutes_s(self.step_s) if self.counting == "minute" else self.step_s


@dataclass(frozen=True, slots=True)
class Probe:
    """A step to take: `surge_s` at `surge_per_s`, nothing for `pause_s`, then `settle_s` and the window at the rate."""

    rate_per_s: float
    window_s: float
    settle_s: float
    surge_per_s: float = 0.0
    surge_s: float = 0.0
    pause_s: float = 0.0

    @property
    def start_s(self) -> float:
        """When the window begins."""
        return self.surge_s + self.pause_s + self.settle_s

    @property
    def duration_s(self) -> float:
        """All of the step."""
        return self.start_s + self.window_s

    @property
    def requests(self) -> float:
        """How many it sends, on average."""
        return self.surge_s * self.surge_per_s + (self.settle_s + self.window_s) * self.rate_per_s


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken, what it showed, and what was made of it.

    `gap_s` is how long nothing was sent before it. `is_by_value`: its interval never cleared the limit. `run` is the
    name of its run directory, `remark` what its report says that a person wants to know.
    """

    probe: Probe
    window: Window
    verdict: Verdict
    is_by_value: bool = False
    gap_s: float = 0.0
    usd: Decimal | None = None
    run: str = ""
    remark: str = ""

    @property
    def rate_per_s(self) -> float:
        """Of its window."""
        return self.probe.rate_per_s


@dataclass(frozen=True, slots=True)
class Bracket:
    """The highest step that is proven to pass, and the lowest above it that failed."""

    passed: Step | None
    failed: Step | None


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


def looks_good(bounds: Bounds, step: Step) -> bool:
    """Whether it passed, or would by its value."""
    if step.verdict != "undecided":
        return step.verdict == "pass"
    good = step.window.good
    return good is not None and good >= bounds.goal.needed and not step.window.grown


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
    ended = _ended(bounds, bracket)
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


def _probe(bounds: Bounds, steps: Sequence[Step], bracket: Bracket) -> Probe:
    rate_per_s, is_climbing = _next_rate(bounds, steps, bracket)
    window_s = bounds.shortest_s if is_climbing else _window_s(bounds, steps, rate_per_s)
    same = _at(steps, rate_per_s)
    # Undecided, however it looked: the same again, longer.
    window_s = max([window_s, *(2 * step.probe.window_s for step in same if step.verdict == "undecided")])
    window_s = min(window_s, bounds.longest_s)
    settle_s = _SETTLE * bounds.step_s
    if not _is_surged(bounds, steps):
        return Probe(rate_per_s, window_s, settle_s)
    surge_per_s, surge_s = _surge(bounds, steps)
    missed = [step.probe.surge_s for step in same if step.probe.surge_s and not step.window.was_empty]
    surge_s = min(max([surge_s, *(2 * length_s for length_s in missed)]), 2 * _LONGEST_SURGE_S)
    # An empty bucket refuses by chance what it would carry in the long run: Poisson arrivals stray by as much as the
    # root of their number. As many are left to pour in; over the edge they are used up before the window ends.
    pause_s = math.sqrt(rate_per_s * window_s) / _refill_per_s(steps)
    return Probe(rate_per_s, window_s, max(settle_s, window_s / 2), surge_per_s, surge_s, pause_s)


def _next_rate(bounds: Bounds, steps: Sequence[Step], bracket: Bracket) -> tuple[float, bool]:
    """The rate of the next step, and whether it only climbs: then a pass by value is enough to go on."""
    passed, failed = bracket.passed, bracket.failed
    if not steps:
        return bounds.from_per_s, True
    if failed is None:
        top = max(steps, key=lambda step: step.rate_per_s)
        at_top = _at(steps, top.rate_per_s)
        if top.rate_per_s * _SAME < bounds.to_per_s and any(looks_good(bounds, step) for step in at_top):
            return min(2 * top.rate_per_s, bounds.to_per_s), True
        return top.rate_per_s, False
    if passed is not None:
        return math.sqrt(passed.rate_per_s * failed.rate_per_s), False
    hopeful = [step.rate_per_s for step in steps if step.rate_per_s < failed.rate_per_s and looks_good(bounds, step)]
    return max([failed.rate_per_s / 2, bounds.from_per_s, *hopeful]), False


def _window_s(bounds: Bounds, steps: Sequence[Step], rate_per_s: float) -> float:
    """Long enough for as many requests as a verdict needs, within the shortest and the longest.

    A share of all good ones clears its limit with z² needed / (1 - needed) of them (Wilson); twice that leaves room for
    a bad one. At a quota's edge Poisson arrivals are told from it by (2 / precision)².
    """
    needed = bounds.goal.needed
    count = 2 * _Z**2 * needed / (1 - needed) if needed < 1 else math.inf
    if _is_surged(bounds, steps):
        count = max(count, (2 / bounds.precision) ** 2)
    window_s = min(max(count / rate_per_s, bounds.shortest_s), bounds.longest_s)
    return _whole_minutes_s(window_s) if bounds.counting == "minute" else window_s


def _whole_minutes_s(span_s: float) -> float:
    return _MINUTE_S * math.ceil(span_s / _MINUTE_S)


def _is_proven(bounds: Bounds, steps: Sequence[Step], step: Step) -> bool:
    if step.verdict != "pass":
        return False
    if not _is_surged(bounds, steps) or step.window.was_empty:
        return True
    return sum(bool(one.probe.surge_s) for one in _at(steps, step.rate_per_s)) >= _MOST_SURGES


def _is_surged(bounds: Bounds, steps: Sequence[Step]) -> bool:
    """Whether a bucket has been met, which might be full."""
    return bounds.counting == "bucket" and any(step.window.is_refused for step in steps)


def _surge(bounds: Bounds, steps: Sequence[Step]) -> tuple[float, float]:
    """At what rate and how long requests are sent to empty the bucket of what was poured in since it was empty."""
    met = [step for step in steps if step.window.is_refused]
    refill_per_s = _refill_per_s(steps)
    top_per_s = max(max(step.rate_per_s, step.probe.surge_per_s) for step in met)
    surge_per_s = max(top_per_s, min(_FASTEST_SURGE * refill_per_s, bounds.to_per_s))
    poured = 0.0
    for step in steps:
        probe = step.probe
        left = max(0.0, refill_per_s - step.rate_per_s) * (probe.settle_s + probe.window_s)
        left += probe.pause_s * refill_per_s
        # A bucket holds a minute's worth.
        poured = min(poured + step.gap_s * refill_per_s, _MINUTE_S * refill_per_s)
        poured = left if step.window.was_empty or step.window.is_refused else poured + left
        poured = 0.0 if step.window.is_empty else min(poured, _MINUTE_S * refill_per_s)
    gap_s = max((step.gap_s for step in steps), default=0.0) or _USUAL_GAP_S
    poured = min(poured + gap_s * refill_per_s, _MINUTE_S * refill_per_s)
    drain_per_s = max(surge_per_s - refill_per_s, 0.05 * refill_per_s)
    return surge_per_s, min((_SURPLUS * poured + _SHOWING) / drain_per_s, _LONGEST_SURGE_S)


def _refill_per_s(steps: Sequence[Step]) -> float:
    """What the quota let in a second when it was last met."""
    met = [step for step in steps if step.window.is_refused]
    let_in = [step.window.let_in_per_s for step in met if step.window.let_in_per_s]
    return let_in[-1] if let_in else min(step.rate_per_s for step in met)


def _at(steps: Sequence[Step], rate_per_s: float) -> list[Step]:
    return [step for step in steps if rate_per_s / _SAME <= step.rate_per_s <= rate_per_s * _SAME]


def _expected_usd(probe: Probe, steps: Sequence[Step]) -> Decimal:
    """What it will probably cost, from what requests cost so far; 0 where nothing is known."""
    paid = [step for step in steps if step.usd is not None]
    requests = sum(step.probe.requests for step in paid)
    if not requests:
        return Decimal(0)
    return sum((step.usd or Decimal(0) for step in paid), Decimal(0)) * Decimal(probe.requests / requests)
