"""A model's on-demand quota: what a call reserves when it starts, and what it is charged when it ends.

At its start a call holds input + cache reads + cache writes + max_tokens; at its end it is charged input + cache writes
+ output x burndown and the rest is given back (AWS, "Tokens per minute and burndown"). How a minute or a day is counted
is not documented, so there are two ways: a token bucket, and a fixed span of the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from target_app.bedrock import errors
from target_app.bedrock.limits import Limits

_MINUTE_NS = 60_000_000_000
_DAY_NS = 1_440 * _MINUTE_NS

Counting = Literal["bucket", "minute"]


class Window(Protocol):
    """One limit per span of time."""

    limit: int

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if there is as much, and say whether."""

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Give back `amount` (negative: take it as well) of what was taken at `taken_ns`."""

    def left(self, now_ns: int) -> int:
        """Whole units that are there now; negative where it is overdrawn."""


class Bucket:
    """A bucket of a span's amount that refills evenly; it is full at first, and may be overdrawn by corrections.

    Levels are in units x ns per span, whole numbers, so that nothing is lost to rounding.
    """

    def __init__(self, limit: int, span_ns: int) -> None:
        self.limit = limit
        self._span_ns = span_ns
        self._full = limit * span_ns
        self._level = self._full
        self._updated_ns: int | None = None

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if the bucket holds as much."""
        self._refill(now_ns)
        if amount * self._span_ns > self._level:
            return False
        self._level -= amount * self._span_ns
        return True

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:  # noqa: ARG002  a bucket forgets when
        """Pour `amount` back, or out."""
        self._refill(now_ns)
        self._level = min(self._level + amount * self._span_ns, self._full)

    def left(self, now_ns: int) -> int:
        """Give the level."""
        self._refill(now_ns)
        return self._level // self._span_ns

    def _refill(self, now_ns: int) -> None:
        elapsed_ns = 0 if self._updated_ns is None else now_ns - self._updated_ns
        self._level = min(self._level + elapsed_ns * self.limit, self._full)
        self._updated_ns = now_ns


class Fixed:
    """A fixed span of the clock: all of the amount is there again when the next one begins.

    A call belongs to the span it started in; what it gives back after that span's end is lost.
    """

    def __init__(self, limit: int, span_ns: int) -> None:
        self.limit = limit
        self._span_ns = span_ns
        self._place = 0
        self._used = 0

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if this span has as much left."""
        self._turn(now_ns)
        if self._used + amount > self.limit:
            return False
        self._used += amount
        return True

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Change what the span of `taken_ns` has used, if it is not over."""
        self._turn(now_ns)
        if taken_ns // self._span_ns == self._place:
            self._used -= amount

    def left(self, now_ns: int) -> int:
        """Give what this span has not used."""
        self._turn(now_ns)
        return self.limit - self._used

    def _turn(self, now_ns: int) -> None:
        place = now_ns // self._span_ns
        if place != self._place:
            self._place, self._used = place, 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens held for one call since `taken_ns`."""

    tokens: int
    taken_ns: int


class Quota:
    """The limits of one model. Its state belongs to the event loop's thread."""

    def __init__(self, limits: Limits, counting: Counting, clock_ns: Callable[[], int]) -> None:
        self._counting = counting
        self._clock_ns = clock_ns
        self.put(limits)

    def put(self, limits: Limits) -> None:
        """Hold to `limits` from now on, with nothing of them used; calls under way settle in what is new."""
        self._requests = self._window(limits.requests_per_minute, _MINUTE_NS)
        self._minute = self._window(limits.tokens_per_minute, _MINUTE_NS)
        self._day = self._window(limits.tokens_per_day, _DAY_NS)

    def reserve(self, tokens: int) -> Reservation:
        """Hold `tokens` for a call that starts now; raises ThrottlingException, holding nothing, where it may not."""
        now_ns = self._clock_ns()
        taken: list[tuple[Window, int]] = []
        for window, amount, refusal in (
            (self._requests, 1, errors.too_many_requests),
            (self._minute, tokens, errors.too_many_tokens),
            (self._day, tokens, errors.too_many_tokens_today),
        ):
            if window is None:
                continue
            if not window.take(amount, now_ns):
                for other, held in taken:
                    other.correct(held, now_ns, now_ns)
                raise refusal()
            taken.append((window, amount))
        return Reservation(tokens, now_ns)

    def settle(self, reservation: Reservation, charged: int) -> None:
        """End a call that used `charged` tokens: release what it held beyond, or take what it used beyond."""
        for window in (self._minute, self._day):
            if window is not None:
                window.correct(reservation.tokens - charged, reservation.taken_ns, self._clock_ns())

    def fill(self) -> dict[str, dict[str, int]]:
        """Limit and what is left of it now, of each limit that there is."""
        now_ns = self._clock_ns()
        windows = {
            "requests_per_minute": self._requests,
            "tokens_per_minute": self._minute,
            "tokens_per_day": self._day,
        }
        return {
            name: {"limit": window.limit, "left": window.left(now_ns)}
            for name, window in windows.items()
            if window is not None
        }

    def _window(self, limit: int | None, span_ns: int) -> Window | None:
        if limit is None:
            return None
        return Bucket(limit, span_ns) if self._counting == "bucket" else Fixed(limit, span_ns)
