"""What a search found, for reporters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from loadtester.analysis.search.decisions import bracket_of
from loadtester.analysis.search.scaling import Scaling, scaling_of
from loadtester.analysis.search.step import Bounds, Bracket, Ending, Step
from loadtester.analysis.search.step_quota import stated_per_s
from loadtester.errors import Exit

#: The exit code of each way that a search ends.
EXITS: Final[Mapping[Ending, Exit]] = {
    "found": Exit.OK,
    "at_least": Exit.OK,
    "not_even": Exit.THRESHOLD,
    "quota": Exit.OK,
    "steps": Exit.BUDGET,
    "budget": Exit.BUDGET,
    "generator": Exit.INVALID_RUN,
    "interrupted": Exit.INTERRUPTED,
    "target": Exit.UNREACHABLE,
}

#: Window figures of a step with fewer answers say too little of how throughput scales.
_FEWEST_ANSWERS: Final = 30


@dataclass(frozen=True, slots=True)
class Found:
    """A search: what was asked, what was done, how it ended, and why, where more than its `ending` is to be said.

    `ending` is None while it goes on.
    """

    id: str
    target: str
    protocol: str
    seed: int
    slo_s: float
    max_cost_usd: Decimal | None
    bounds: Bounds
    steps: tuple[Step, ...]
    ending: Ending | None
    said: str
    started_at: str
    elapsed_s: float

    @property
    def bracket(self) -> Bracket:
        """Between which two steps the answer lies."""
        return bracket_of(self.bounds, self.steps)

    @property
    def spent_usd(self) -> Decimal | None:
        """What all steps cost; None where the bill of one is not known."""
        return spent(self.steps)

    @property
    def allowed_per_s(self) -> float | None:
        """What the stated quota lets in a second, computed from the requests' tokens; None where none is stated."""
        return stated_per_s(self.steps)

    @property
    def scaling(self) -> Scaling:
        """How throughput grew with the requests in flight, over steps that no quota held back and nothing spoilt."""
        passed = self.bracket.passed
        return scaling_of(
            [_point(step) for step in self.steps if _tells_scaling(step)],
            None if passed is None else _point(passed),
        )


def spent(steps: Sequence[Step]) -> Decimal | None:
    """What steps cost together; None where the bill of one is not known."""
    bills = [step.usd for step in steps]
    return None if None in bills else sum((bill for bill in bills if bill is not None), Decimal(0))


def _tells_scaling(step: Step) -> bool:
    is_sound = step.verdict not in ("invalid", "cut") and step.window.cause != "quota"
    return is_sound and step.window.answered >= _FEWEST_ANSWERS


def _point(step: Step) -> tuple[float, float]:
    return step.window.in_flight, step.window.answered_per_s
