"""The stages of a staged run as people write them: `2m:20/s`."""

from __future__ import annotations

from typing import Final

from loadtester.scenario import units
from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import Stage
from loadtester.scenario.units import UnfitError

#: As JSON Schema shows it: a duration, a colon, a rate.
STAGE: Final = rf"{units.DURATION[:-1]}:[0-9]+(?:\.[0-9]+)?(?:/(?:s|m|h))?$"


def stage(text: str) -> Stage:
    """Read `DURATION:RATE`: over the duration the rate moves in a line to the rate. Raises UnfitError."""
    length, colon, rate = text.strip().partition(":")
    if not colon:
        raise UnfitError(f"{quoted(text)} is not a stage", "write DURATION:RATE, such as 2m:20/s")
    found = Stage(units.duration_s(length), units.rate_per_s(rate))
    if found.duration_s <= 0:
        raise UnfitError(
            f"{quoted(text)} takes no time", "give a duration of more than 0s, such as 1s:20/s for a sudden change"
        )
    return found


def seconds(stages: tuple[Stage, ...]) -> float:
    """How long all stages take."""
    return sum(one.duration_s for one in stages)


def peak_per_s(stages: tuple[Stage, ...]) -> float:
    """The highest rate any stage reaches."""
    return max((one.rate_per_s for one in stages), default=0.0)
