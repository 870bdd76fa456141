"""Adds up the seconds of several workers and passes each on, in order, once nobody can still add to it."""

from __future__ import annotations

from loadtester.engine import Sink
from loadtester.recorder import Interval


class Seconds:
    """Collects intervals by second from `count` workers; `sink` gets each second once."""

    def __init__(self, count: int, sink: Sink) -> None:
        self._sink = sink
        self._waiting: dict[int, tuple[Interval, bytes]] = {}
        self._next_of: dict[int, int] = dict.fromkeys(range(count), 0)

    def add(self, worker: int, interval: Interval, rows: bytes) -> None:
        """Take a second of one worker; a worker's seconds come in order."""
        known = self._waiting.get(interval.second)
        self._waiting[interval.second] = (
            (interval, rows) if known is None else (known[0].merge(interval), known[1] + rows)
        )
        self._next_of[worker] = interval.second + 1
        self._pass_on()

    def end(self, worker: int) -> None:
        """This worker adds nothing more."""
        self._next_of.pop(worker, None)
        self._pass_on()

    def _pass_on(self) -> None:
        complete = min(self._next_of.values(), default=None)
        for second in sorted(self._waiting):
            if complete is not None and second >= complete:
                return
            self._sink(*self._waiting.pop(second))
