"""The stopwatch of one request: the driver calls it, it holds the clock."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Final

_GAP_BYTES: Final = array("q").itemsize


class Probe:
    """Moments of one request on the run's clock, in integer ns from the run's start; None until they happen.

    Owned by the engine; the driver only calls `sent`, `chunk` and `connected`. `gaps_ns` holds the times between
    neighbouring chunks; `ascii_chars` and `other_chars` measure the answer's text for when the target reports no usage.
    """

    __slots__ = (
        "_clock",
        "_last_ns",
        "ascii_chars",
        "attempted_ns",
        "connect_ns",
        "done_ns",
        "due_ns",
        "first_ns",
        "gaps_ns",
        "is_first_ok",
        "is_held",
        "launched_ns",
        "n_bytes",
        "n_chunks",
        "other_chars",
        "reconnects",
        "retries",
        "sent_ns",
    )

    def __init__(self, clock: Callable[[], int], due_ns: int) -> None:
        self._clock = clock
        self.due_ns = due_ns
        self.launched_ns = 0
        self.sent_ns: int | None = None
        self.first_ns: int | None = None
        self.done_ns: int | None = None
        self.connect_ns: int | None = None
        self.gaps_ns: array[int] | None = None
        self.is_held = False
        self.attempted_ns: int | None = None
        self.is_first_ok = False
        self.retries = 0
        self.reconnects = 0
        self._last_ns = 0
        self.n_chunks = 0
        self.n_bytes = 0
        self.ascii_chars = 0
        self.other_chars = 0

    def sent(self) -> None:
        """The first byte was handed to the transport; later calls change nothing."""
        if self.sent_ns is None:
            self.sent_ns = self._clock()

    def chunk(self, n_bytes: int, text: str) -> None:
        """A piece of the answer's content arrived."""
        now = self._clock()
        if self.first_ns is None:
            self.first_ns = now
        elif self.gaps_ns is None:
            self.gaps_ns = array("q", (now - self._last_ns,))
        else:
            self.gaps_ns.append(now - self._last_ns)
        self._last_ns = now
        self.n_chunks += 1
        self.n_bytes += n_bytes
        if text.isascii():
            self.ascii_chars += len(text)
        else:
            n_ascii = len(text.encode("ascii", "ignore"))
            self.ascii_chars += n_ascii
            self.other_chars += len(text) - n_ascii

    def chunks(self, n_bytes: int, texts: Sequence[str]) -> None:
        """Pieces of the answer's content arrived at the same moment: there is no gap between them."""
        self.chunk(n_bytes, "".join(texts))
        if len(texts) > 1:
            more = array("q", bytes(_GAP_BYTES * (len(texts) - 1)))
            self.gaps_ns = more if self.gaps_ns is None else self.gaps_ns + more
            self.n_chunks += len(more)

    def connected(self, duration_ns: int) -> None:
        """A connection was opened for this request."""
        self.connect_ns = duration_ns

    def reconnected(self) -> None:
        """The connection was opened in the place of one that the conversation had lost."""
        self.reconnects += 1

    def launched(self) -> None:
        """The engine is about to give the request to the driver."""
        self.launched_ns = self._clock()

    def attempted(self, *, is_ok: bool) -> None:
        """The first attempt of a request ended that would be tried again if it were throttled."""
        self.attempted_ns = self._clock()
        self.is_first_ok = is_ok

    def again(self) -> None:
        """The request is about to be sent again: what came of its answer is forgotten, when it was first sent isn't."""
        self.retries += 1
        self.first_ns = self.gaps_ns = None
        self.n_chunks = self.n_bytes = self.ascii_chars = self.other_chars = 0

    def done(self) -> None:
        """The last byte came, or the request was given up; one never handed over counts as sent when launched."""
        self.done_ns = self._clock()
        if self.sent_ns is None:
            self.sent_ns = self.launched_ns
