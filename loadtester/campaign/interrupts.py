"""Ctrl-C and SIGTERM: what they do to a run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from loadtester.engine import AnyEngine
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import LocalFleet

#: Tells the person who runs it something.
Say = Callable[[str], None]


class Interrupts:
    """What Ctrl-C and SIGTERM do: before the load they end the program; first they drain the run, then they stop it."""

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        self._task = task
        self.runner: AnyEngine | LocalFleet | None = None
        self.say: Say = lambda _: None
        #: Whether any signal came, known at once; what it does waits for the loop, which may be judging.
        self.has_come = False

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """A signal came, wherever the program is."""
        self.has_come = True

    def __call__(self) -> None:
        """A signal came, and the loop has time for it."""
        if self.runner is None:
            if self._task is not None:
                self._task.cancel()
        elif self.runner.is_stopped:
            self.say("stopping now")
            self.runner.abort()
        else:
            self.say("stopping: nothing more is sent, waiting for what is in flight (again to stop now)")
            self.runner.stop()


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """While it lasts, signals go to what it gives. Raises FmloadError where one came before any load was sent.

    Behind it Ctrl-C raises KeyboardInterrupt, and SIGTERM does what it did before it.
    """
    interrupts = Interrupts(asyncio.current_task())
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM) if sys.platform != "win32" else ()
    terminate = signal.getsignal(signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, interrupts)
        # The loop is woken by the signal itself, not by the handler that it sets.
        signal.signal(number, interrupts.note)
    try:
        yield interrupts
    except asyncio.CancelledError as error:
        raise FmloadError("interrupted before any load was sent", code=Exit.INTERRUPTED) from error
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        if signals:
            signal.signal(signal.SIGTERM, terminate)
