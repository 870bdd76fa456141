"""The one error users see: a message, what to do about it, and an exit code; never a traceback."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line (k6's numbers where k6 has one); docs/cli.md lists them."""

    OK = 0
    FAULT = 1
    USAGE = 2
    THRESHOLD = 99
    INPUT = 104
    INTERRUPTED = 105
    INVALID_RUN = 111
    BUDGET = 112
    UNREACHABLE = 113
    DEGRADED = 114


#: Where several codes hold for one run, the first of these is the process's exit code.
PRECEDENCE = (
    Exit.FAULT,
    Exit.USAGE,
    Exit.INPUT,
    Exit.UNREACHABLE,
    Exit.BUDGET,
    Exit.INTERRUPTED,
    Exit.DEGRADED,
    Exit.INVALID_RUN,
    Exit.THRESHOLD,
)


class FmloadError(Exception):
    """Something the user can mend.

    `message` says what is wrong and where, `remedy` what to do; both end up on stderr, so neither may
    hold a secret. `code` becomes the process's exit code.
    """

    def __init__(self, message: str, *, remedy: str = "", code: Exit = Exit.INPUT) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message
