"""A model's on-demand quota: what a call reserves when it starts, and what it is charged when it ends.

At its start a call holds input + max_tokens; at its end it is charged input + output x burndown and the rest is given
back (AWS, "Tokens per minute and burndown"). How a minute is counted is not documented, so there are two ways: a token
bucket, and a fixed minute of the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from target_app.bedrock import errors

_MINUTE_NS = 60_000_000_000


class Window(Protocol):
    """One limit per minute."""

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if there is as much, and say whether."""

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Give back `amount` (negative: take it as well) of what was taken at `taken_ns`."""


class Bucket:
    """A bucket of a minute's amount that refills evenly; it is full at first, and may be overdrawn by corrections.

    Levels are in units x ns per minute, whole numbers, so that nothing is lost to rounding.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._full = per_minute * _MINUTE_NS
        self._level = self._full
        self._updated_ns: int | None = None

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if the bucket holds as much."""
        self._refill(now_ns)
        if amount * _MINUTE_NS > self._level:
            return False
        self._level -= amount * _MINUTE_NS
        return True

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:  # noqa: ARG002  a bucket forgets when
        """Pour `amount` back, or out."""
        self._refill(now_ns)
        self._level = min(self._level + amount * _MINUTE_NS, self._full)

    def _refill(self, now_ns: int) -> None:
        elapsed_ns = 0 if self._updated_ns is None else now_ns - self._updated_ns
        self._level = min(self._level + elapsed_ns * self._per_minute, self._full)
        self._updated_ns = now_ns


class Minute:
    """A fixed minute of the clock: all of the amount is there again when the next one begins.

    A call belongs to the minute it started in; what it gives back after that minute's end is lost.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = 0
        self._used = 0

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` if this minute has as much left."""
        self._turn(now_ns)
        if self._used + amount > self._per_minute:
            return False
        self._used += amount
        return True

    def correct(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Change what the minute of `taken_ns` has used, if it is not over."""
        self._turn(now_ns)
        if taken_ns // _MINUTE_NS == self._minute:
            self._used -= amount

    def _turn(self, now_ns: int) -> None:
        minute = now_ns // _MINUTE_NS
        if minute != self._minute:
            self._minute, self._used = minute, 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens held for one call since `taken_ns`."""

    tokens: int
    taken_ns: int


class Quota:
    """The limits of one model. Its state belongs to the event loop's thread."""

    def __init__(
        self,
        tokens_per_minute: int | None,
        requests_per_minute: int | None,
        window: Literal["bucket", "minute"],
        clock_ns: Callable[[], int],
    ) -> None:
        self._tokens = _window(window, tokens_per_minute)
        self._requests = _window(window, requests_per_minute)
        self._clock_ns = clock_ns

    def reserve(self, tokens: int) -> Reservation:
        """Hold `tokens` for a call that starts now; raises ThrottlingException, holding nothing, where it may not."""
        now_ns = self._clock_ns()
        if self._requests is not None and not self._requests.take(1, now_ns):
            raise errors.too_many_requests()
        if self._tokens is not None and not self._tokens.take(tokens, now_ns):
            if self._requests is not None:
                self._requests.correct(1, now_ns, now_ns)
            raise errors.too_many_tokens()
        return Reservation(tokens, now_ns)

    def settle(self, reservation: Reservation, charged: int) -> None:
        """End a call that used `charged` tokens: release what it held beyond, or take what it used beyond."""
        if self._tokens is not None:
            self._tokens.correct(reservation.tokens - charged, reservation.taken_ns, self._clock_ns())


def _window(kind: Literal["bucket", "minute"], per_minute: int | None) -> Window | None:
    if per_minute is None:
        return None
    return Bucket(per_minute) if kind == "bucket" else Minute(per_minute)
