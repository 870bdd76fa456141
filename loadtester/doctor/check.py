"""What one look at the machine found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: a run is fine, is limited, or will not work as it should."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's; `remedy` says what to do, and is empty where all is well."""

    level: Level
    subject: str
    found: str
    remedy: str = ""


def graded(subject: str, found: str, remedy: str, *, is_failed: bool, is_poor: bool) -> Check:
    """A check that failed, or else is poor, with its remedy; or is fine, without."""
    if is_failed or is_poor:
        return Check(Level.FAIL if is_failed else Level.WARN, subject, found, remedy)
    return Check(Level.OK, subject, found)
