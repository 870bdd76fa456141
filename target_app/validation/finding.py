"""What validation says of an answer: which check failed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """The things that are checked."""

    FORMAT = "format"
    KEYWORDS = "keywords"
    LANGUAGE = "language"
    SAFETY = "safety"
    GROUNDING = "grounding"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed; `reason` is fit for a log: it never repeats what is personal or secret."""

    check: Check
    reason: str
