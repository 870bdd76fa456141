"""One limit per minute, as a provider may count it: a bucket that refills evenly, or a fixed minute of the clock."""

from __future__ import annotations

import math
from typing import Final, Protocol

from loadtester.scenario import Window

MINUTE_S: Final = 60.0


class Limit(Protocol):
    """One limit; times in seconds never go back."""

    #: The least part of a minute's amount that was ever free.
    least_free: float

    def free(self, now_s: float) -> float:
        """What could be taken now, below 0 after a correction."""

    def take(self, amount: float, now_s: float) -> bool:
        """Take `amount` if there is as much, and say whether."""

    def give_back(self, amount: float, taken_s: float, now_s: float) -> None:
        """Give back `amount` of what was taken at `taken_s`; below 0, take it as well."""


class Bucket:
    """A minute's amount that refills evenly; full at first, below empty after a correction."""

    def __init__(self, per_minute: float) -> None:
        self.least_free = 1.0
        self._full = self._level = per_minute
        self._updated_s = 0.0

    def free(self, now_s: float) -> float:
        """What the bucket holds."""
        self._refill(now_s)
        return self._level

    def take(self, amount: float, now_s: float) -> bool:
        """Take `amount` if the bucket holds as much."""
        self._refill(now_s)
        if amount > self._level:
            return False
        self._level -= amount
        self.least_free = min(self.least_free, self._level / self._full)
        return True

    def give_back(self, amount: float, taken_s: float, now_s: float) -> None:  # noqa: ARG002  a bucket forgets when
        """Pour `amount` back; what does not fit is lost."""
        self._refill(now_s)
        self._level = min(self._level + amount, self._full)

    def _refill(self, now_s: float) -> None:
        self._level = min(self._level + (now_s - self._updated_s) * self._full / MINUTE_S, self._full)
        self._updated_s = now_s


class Minute:
    """A fixed minute of the clock, which began `phase_s` before the run: all is there again when the next begins."""

    def __init__(self, per_minute: float, phase_s: float) -> None:
        self.least_free = 1.0
        self._full = per_minute
        self._phase_s = phase_s
        self._minute = 0
        self._used = 0.0

    def free(self, now_s: float) -> float:
        """What this minute has left."""
        self._turn(now_s)
        return self._full - self._used

    def take(self, amount: float, now_s: float) -> bool:
        """Take `amount` if this minute has as much left."""
        self._turn(now_s)
        if self._used + amount > self._full:
            return False
        self._used += amount
        self.least_free = min(self.least_free, 1 - self._used / self._full)
        return True

    def give_back(self, amount: float, taken_s: float, now_s: float) -> None:
        """Change what the minute of `taken_s` has used, if it is not over."""
        self._turn(now_s)
        if self._minute_of(taken_s) == self._minute:
            self._used -= amount

    def _minute_of(self, moment_s: float) -> int:
        return math.floor((moment_s + self._phase_s) / MINUTE_S)

    def _turn(self, now_s: float) -> None:
        minute = self._minute_of(now_s)
        if minute != self._minute:
            self._minute, self._used = minute, 0.0


def limit(window: Window, per_minute: float | None, phase_s: float) -> Limit | None:
    """A fresh limit; None where there is none."""
    if per_minute is None:
        return None
    return Bucket(per_minute) if window == "bucket" else Minute(per_minute, phase_s)
