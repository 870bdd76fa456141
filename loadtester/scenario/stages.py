"""The stages of a staged run as people write them: `2m:20/s`, or `2m:20` of users."""

from __future__ import annotations

from typing import Final

from loadtester.scenario import units
from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import Stage, UserStage
from loadtester.scenario.units import UnfitError

#: As JSON Schema shows it: a duration, a colon, a rate.
STAGE: Final = rf"{units.DURATION[:-1]}:[0-9]+(?:\.[0-9]+)?(?:/(?:s|m|h))?$"
#: A duration, a colon, a whole number.
USER_STAGE: Final = rf"{units.DURATION[:-1]}:[0-9]+(?:_[0-9]+)*$"

#: A user is a task and perhaps a connection.
MOST_USERS: Final = 100_000


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


def user_stage(text: str) -> UserStage:
    """Read `DURATION:USERS`: over the duration the number of users moves in a line to this. Raises UnfitError."""
    length, colon, number = text.strip().partition(":")
    if not colon:
        raise UnfitError(f"{quoted(text)} is not a stage of users", "write DURATION:USERS, such as 2m:20")
    if "/" in number:
        raise UnfitError(f"{quoted(text)} has a rate, not a number of users", "write DURATION:USERS, such as 2m:20")
    found = UserStage(units.duration_s(length), units.count(number))
    if found.duration_s <= 0:
        raise UnfitError(
            f"{quoted(text)} takes no time", "give a duration of more than 0s, such as 1s:20 for a sudden change"
        )
    if found.users > MOST_USERS:
        raise UnfitError(f"{quoted(text)} has too many users", f"give {MOST_USERS:,} or less")
    return found


def stretched(stages: tuple[UserStage, ...], duration_s: float) -> tuple[UserStage, ...]:
    """The stages, all longer or shorter by one factor, so that together they take `duration_s`."""
    factor = duration_s / seconds(stages)
    return tuple(UserStage(one.duration_s * factor, one.users) for one in stages)


def seconds(stages: tuple[Stage, ...] | tuple[UserStage, ...]) -> float:
    """How long all stages take."""
    return sum(one.duration_s for one in stages)


def peak_per_s(stages: tuple[Stage, ...]) -> float:
    """The highest rate any stage reaches."""
    return max((one.rate_per_s for one in stages), default=0.0)
