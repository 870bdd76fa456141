"""What a pool does, counted: by our own pool, or by whoever wraps a pool that is part of a library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_MS = 1000.0


@dataclass(frozen=True, slots=True)
class PoolReport:
    """A pool's figures over `window_s` seconds; `active` and `idle` make up its `size` now.

    `min_size` connections are kept open; None where a library keeps them, and says neither how many there are.

    A checkout is one time that a connection was asked for; `timeouts` of them got none. `utilisation` is the mean over
    time of the share of `max_size` that was in use: a moment's share would say nothing about the size.
    """

    min_size: int | None
    max_size: int
    size: int
    active: int
    idle: int
    checkouts: int
    timeouts: int
    mean_checkout_ms: float | None
    max_checkout_ms: float | None
    utilisation: float
    window_s: float


class PoolMeter:
    """Counts what it is told; `report` derives the figures.

    `size` connections are open. Whoever can't know how many (aiobotocore's pool) leaves it 0: then those in use are
    all that are reported.
    """

    def __init__(
        self, max_size: int, clock: Callable[[], float] = time.monotonic, *, min_size: int | None = None
    ) -> None:
        self._max_size = max_size
        self._min_size = min_size
        self._clock = clock
        self.size = 0
        self._active = 0
        self.restart()

    def restart(self) -> None:
        """Begin a new window: counts and means start again, the connections stay what they are."""
        self._started_s = self._changed_s = self._clock()
        self._checkouts = self._timeouts = 0
        self._waited_s = self._longest_s = self._used_s = 0.0

    def took(self, waited_s: float) -> None:
        """A connection was got, after `waited_s`."""
        self._checkouts += 1
        self._waited_s += waited_s
        self._longest_s = max(self._longest_s, waited_s)
        self._change(1)

    def gave_back(self) -> None:
        """A connection that was got is free again, or gone."""
        self._change(-1)

    def timed_out(self) -> None:
        """No connection came free in time."""
        self._checkouts += 1
        self._timeouts += 1

    @contextmanager
    def leased(self, waited_s: float) -> Iterator[None]:
        """Count a connection as in use inside the `with`."""
        self.took(waited_s)
        try:
            yield
        finally:
            self.gave_back()

    def report(self) -> PoolReport:
        """The figures since the last restart."""
        self._change(0)
        window_s = self._changed_s - self._started_s
        got = self._checkouts - self._timeouts
        size = max(self.size, self._active)
        return PoolReport(
            min_size=self._min_size,
            max_size=self._max_size,
            size=size,
            active=self._active,
            idle=size - self._active,
            checkouts=self._checkouts,
            timeouts=self._timeouts,
            mean_checkout_ms=self._waited_s / got * _MS if got else None,
            max_checkout_ms=self._longest_s * _MS if got else None,
            utilisation=(self._used_s / window_s if window_s else self._active) / self._max_size,
            window_s=window_s,
        )

    def _change(self, by: int) -> None:
        """Add up the connection-seconds used so far, and go on with `by` more."""
        now_s = self._clock()
        self._used_s += self._active * (now_s - self._changed_s)
        self._changed_s = now_s
        self._active += by
