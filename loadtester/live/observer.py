"""What watches a run, and how several do it at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

from loadtester.errors import FmloadError
from loadtester.recorder import Tick

_NO_TRACE: Final = (None, None, None)

#: Tells the person who watches something, from any thread.
Say: TypeAlias = Callable[[str], None]


class Watcher(Protocol):
    """Something that is shown a run; it gets one Tick a second, on a thread of the watchers', and never calls back."""

    def __enter__(self) -> Self:
        """Start watching. Raises FmloadError where it can't."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""

    def observe(self, tick: Tick) -> None:
        """See the state of the run after a second."""


class Observer(Watcher, Protocol):
    """A watcher that can also tell the person who watches something."""

    def say(self, text: str) -> None:
        """Tell it, from any thread."""


class Quiet:
    """Shows nothing; `tell` hears what is said once the load is on: what stops it, what fails, what can't be written.

    What is said before it only tells of the way there: what goes wrong there is raised.
    """

    def __init__(self, tell: Say | None = None) -> None:
        self._tell = tell
        self._is_on = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def observe(self, tick: Tick) -> None:  # noqa: ARG002  a watcher's signature
        """See that the load is on."""
        self._is_on = True

    def say(self, text: str) -> None:
        """Tell it, unless that comes before the load."""
        if self._is_on and self._tell is not None:
            self._tell(text)


class Together:
    """One observer whom a person looks at, and any number of watchers beside it.

    What fails while the run goes on is told once, and left out from then on: a run is worth more than its picture.
    """

    def __init__(self, front: Observer, *watchers: Watcher) -> None:
        self._front = front
        self._all: list[Watcher] = [front, *watchers]
        self._entered: list[Watcher] = []

    def __enter__(self) -> Self:
        with ExitStack() as undoing:
            for watcher in self._all:
                watcher.__enter__()
                self._entered.append(watcher)
                undoing.push(watcher)
            undoing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The one that tells of the others' failures goes last.
        for watcher in reversed(self._entered):
            try:
                watcher.__exit__(*_NO_TRACE)
            except Exception as fault:  # noqa: BLE001  the report is still to come
                self._tell(watcher, fault)
        self._entered.clear()

    def observe(self, tick: Tick) -> None:
        """Show it to each that still works."""
        for watcher in tuple(self._entered):
            try:
                watcher.observe(tick)
            except Exception as fault:  # noqa: BLE001  what watches a run can't end it
                self._entered.remove(watcher)
                self._tell(watcher, fault)
                with suppress(Exception):
                    watcher.__exit__(*_NO_TRACE)

    def say(self, text: str) -> None:
        """Tell it in front."""
        with suppress(OSError):  # nobody is there any more
            self._front.say(text)

    def _tell(self, watcher: Watcher, fault: Exception) -> None:
        why = str(fault) if isinstance(fault, FmloadError | OSError) else type(fault).__name__
        self.say(f"{type(watcher).__name__} failed and is left out from here on ({why}); the run goes on")
