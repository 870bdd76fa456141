"""A circuit breaker: a model that keeps failing is left alone for a while, then asked once.

closed --(failures in a row)--> open --(time)--> half-open --(the probe succeeds)--> closed
                                  ^------(the probe fails, or is given up)---'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec


class State(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opens after `failures` in a row, for `open_s` seconds."""

    enabled: bool = False
    failures: Annotated[int, msgspec.Meta(ge=1)] = 5
    open_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0


@dataclass(frozen=True, slots=True)
class BreakerSnapshot:
    """A breaker at one moment; `transitions` counts by the state gone to, `refused` the calls that it kept back."""

    state: State
    failures_in_a_row: int
    transitions: Mapping[State, int]
    refused: int


class Breaker:
    """One model's breaker, for calls that overlap.

    `admit` gives each call the number of the period it began in, which it hands back with its result: what a call
    tells that began before the last transition is old news, and is ignored.
    """

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._state = State.CLOSED
        self._period = 0
        self._failures = 0
        self._opened_s = 0.0
        self._transitions: Counter[State] = Counter()
        self._refused = 0

    def admit(self) -> int | None:
        """The period a call begins in; None where it must not be made. The first one after the pause is the probe."""
        if self._state is State.CLOSED or not self._settings.enabled:
            return self._period
        if self._state is State.OPEN and self.left_s() <= 0:
            self._go(State.HALF_OPEN)
            return self._period
        self._refused += 1
        return None

    def succeeded(self, period: int) -> None:
        """The call that began in `period` got its answer."""
        if period != self._period:
            return
        self._failures = 0
        if self._state is State.HALF_OPEN:
            self._go(State.CLOSED)

    def failed(self, period: int) -> None:
        """The model failed the call that began in `period`."""
        if period != self._period or not self._settings.enabled:
            return
        self._failures += 1
        if self._state is State.HALF_OPEN or self._failures >= self._settings.failures:
            self._opened_s = self._clock()
            self._go(State.OPEN)

    def given_up(self, period: int) -> None:
        """The call that began in `period` ended without a word on the model: the next one may probe at once."""
        if period == self._period and self._state is State.HALF_OPEN:
            self._go(State.OPEN)

    def left_s(self) -> float:
        """How long an open breaker still keeps calls back."""
        return self._opened_s + self._settings.open_s - self._clock()

    def snapshot(self) -> BreakerSnapshot:
        """Where it stands."""
        return BreakerSnapshot(self._state, self._failures, MappingProxyType(dict(self._transitions)), self._refused)

    def _go(self, state: State) -> None:
        self._state = state
        self._period += 1
        self._transitions[state] += 1
