"""Think time as people write it: `10s`, `exponential:10s`."""

from __future__ import annotations

from typing import Final, get_args

from loadtester.scenario import units
from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import Distribution, ThinkTime
from loadtester.scenario.suggestion import one_of
from loadtester.scenario.units import UnfitError

_DISTRIBUTIONS: Final = get_args(Distribution)
_USUAL: Final[Distribution] = "lognormal"
_MOST_S: Final = 86_400.0

#: As JSON Schema shows it: a distribution and a colon, if any, and a duration.
THINK_TIME: Final = rf"^(?:(?:{'|'.join(_DISTRIBUTIONS)}):)?{units.DURATION[1:]}"


def think_time(text: str) -> ThinkTime:
    """Read `DURATION` or `DISTRIBUTION:DURATION`; without a distribution it is lognormal. Raises UnfitError."""
    word, colon, length = text.strip().rpartition(":")
    name = word.strip().lower() if colon else _USUAL
    for distribution in _DISTRIBUTIONS:
        if name == distribution:
            scale_s = units.duration_s(length)
            if scale_s > _MOST_S:
                raise UnfitError(f"{quoted(text)} is more than a day", "give 24h or less")
            return ThinkTime(distribution, scale_s)
    raise UnfitError(f"{quoted(word)} is not a distribution", one_of(name, _DISTRIBUTIONS))
