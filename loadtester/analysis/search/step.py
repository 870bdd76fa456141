"""The nouns of a search for a rate: its bounds, the step to take, the step that was taken, what is known by then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from loadtester.analysis.search.goal import Goal
from loadtester.analysis.search.window import Window
from loadtester.scenario import Window as Counting
from loadtester.scenario.scenario import Arrivals

#: `invalid`: the generator, not the target, was at its limit; `cut`: something ended the step before its time.
Verdict = Literal["pass", "fail", "undecided", "invalid", "cut"]

#: How a search ends: the first five by itself, the others by what happened to it. `quota`: below what a stated quota
#: lets in it passes, and beyond it only a full bucket let requests in.
Ending = Literal["found", "at_least", "not_even", "quota", "steps", "budget", "generator", "interrupted", "target"]


#: An undecided step is repeated twice as long, up to so many times as long as steps are.
LONGEST: Final = 4.0
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search may do; `counting` is how a minute of the quota is counted, `arrivals` how requests are spaced.

    `is_quota_known`: the quota is stated, or that there is none.
    """

    goal: Goal
    from_per_s: float
    to_per_s: float
    precision: float
    step_s: float
    max_steps: int
    counting: Counting = "bucket"
    arrivals: Arrivals = "poisson"
    is_quota_known: bool = False

    @property
    def longest_s(self) -> float:
        """Of a window."""
        return LONGEST * self.shortest_s

    @property
    def shortest_s(self) -> float:
        """Of a window; where a quota's minute is one of the clock, it holds whole ones."""
        return whole_minutes_s(self.step_s) if self.counting == "minute" else self.step_s


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
    name of its run directory, `remark` what its report says that a person wants to know. `allowed_per_s` is what the
    stated quota lets in a second of requests like its, None where none is stated.
    """

    probe: Probe
    window: Window
    verdict: Verdict
    is_by_value: bool = False
    gap_s: float = 0.0
    usd: Decimal | None = None
    run: str = ""
    remark: str = ""
    allowed_per_s: float | None = None

    @property
    def rate_per_s(self) -> float:
        """Of its window."""
        return self.probe.rate_per_s


@dataclass(frozen=True, slots=True)
class Bracket:
    """The highest step that is proven to pass, and the lowest above it that failed."""

    passed: Step | None
    failed: Step | None


def whole_minutes_s(span_s: float) -> float:
    """A span of as many minutes of the clock as it needs."""
    return _MINUTE_S * math.ceil(span_s / _MINUTE_S)
