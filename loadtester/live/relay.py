"""Keeps all watching off the event loop: the load's own thread only hands a second over."""

from __future__ import annotations

import sys
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Final, Self

from loadtester.live.observer import Observer
from loadtester.recorder import Interval, Meter

#: Seconds of a run that may wait for a watcher that is slow.
_MOST_WAITING: Final = 600
#: How long a watcher may take for what is left at the end, in seconds.
_END_LIMIT_S: Final = 15.0
#: How long this thread may keep the interpreter from the one that sends, in seconds; Python's own default is ten times
#: that, and would be seen in the lag of whatever falls due while a screen is drawn.
_SWITCH_S: Final = 0.0005


class Relay:
    """Adds seconds up and shows them to an observer, on a thread of its own; `take` costs microseconds.

    Owns its thread from `__enter__` to `__exit__`, which waits until the last second was seen.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: Queue[Interval | None] = Queue(_MOST_WAITING)
        self._thread = Thread(target=self._work, name="fmload-live", daemon=True)
        self._switch_s = sys.getswitchinterval()
        self._missed = 0
        self._is_over = False

    def __enter__(self) -> Self:
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._waiting.put(None, timeout=_END_LIMIT_S)
            self._thread.join(_END_LIMIT_S)
        except Full:
            self._missed += 1
            self._is_over = True
        sys.setswitchinterval(self._switch_s)
        if self._missed or self._thread.is_alive():
            self._observer.say(
                "what watches the run was too slow for it: its last figures are not the run's; the report's are"
            )

    def take(self, interval: Interval) -> None:
        """Hand over the next second."""
        try:
            self._waiting.put_nowait(interval)
        except Full:
            self._missed += 1

    def _work(self) -> None:
        meter = Meter()
        while (interval := self._waiting.get()) is not None and not self._is_over:
            self._observer.observe(meter.add(interval))
