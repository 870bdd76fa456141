"""Where the time of one piece of work goes, by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NS_PER_S = 1e9


class Stopwatch:
    """Runs from when it is made; times of a part that comes several times add up.

    Parts come one after another, or one inside another: then what the inner one took is no time of the outer's.
    """

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._begun_ns = clock_ns()
        self._part_begun_ns: dict[str, int] = {}
        self._spent_ns: dict[str, int] = {}
        #: Of each part under way, the outermost first, what parts inside it took.
        self._inside_ns: list[int] = []

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count what happens inside the `with` as that part's, also where it fails."""
        begun_ns = self._part_begun_ns[part] = self._clock_ns()
        self._inside_ns.append(0)
        try:
            yield
        finally:
            took_ns = self._clock_ns() - begun_ns
            self._spent_ns[part] = self._spent_ns.get(part, 0) + took_ns - self._inside_ns.pop()
            if self._inside_ns:
                self._inside_ns[-1] += took_ns

    def stamp(self, part: str, name: str) -> None:
        """Keep under `name`, the first time only, how far the part under way has come."""
        if name not in self._spent_ns:
            self._spent_ns[name] = self._clock_ns() - self._part_begun_ns[part]

    def spent_s(self, part: str, otherwise: float = 0.0) -> float:
        """What a part took so far."""
        return self._spent_ns[part] / _NS_PER_S if part in self._spent_ns else otherwise

    def total_s(self) -> float:
        """The time since this watch was made."""
        return (self._clock_ns() - self._begun_ns) / _NS_PER_S
