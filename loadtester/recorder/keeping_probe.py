"""The stopwatch of a request whose answer may be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadtester.recorder.probe import Probe

#: What is collected of an answer: twice what is kept of it, so that what is cut off can hold no part of a secret.
MOST_CHARS: Final = 8_192


class KeepingProbe(Probe):
    """A Probe that also holds the first MOST_CHARS characters of the answer's text."""

    __slots__ = ("_room", "_texts")

    def __init__(self, clock: Callable[[], int], due_ns: int) -> None:
        super().__init__(clock, due_ns)
        self._texts: list[str] = []
        self._room = MOST_CHARS

    @property
    def text(self) -> str:
        """What came of the answer, up to the limit."""
        return "".join(self._texts)

    def chunk(self, n_bytes: int, text: str) -> None:
        """A piece of the answer's content arrived; several at once come here as one."""
        _measure(self, n_bytes, text)
        room = self._room
        if room > 0:
            self._texts.append(text if len(text) <= room else text[:room])
            self._room = room - len(text)

    def again(self) -> None:
        """The request is about to be sent again: the answer so far is forgotten."""
        super().again()
        self._texts.clear()
        self._room = MOST_CHARS


#: By its own name: every chunk of a run goes this way, and looking it up on `super()` takes as long as measuring.
_measure = Probe.chunk
