"""Where the time of one piece of work goes, by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NS_PER_S = 1e9


class Stopwatch:
    """Runs from when it is made; times of a part that comes several times add up."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._begun_ns = clock_ns()
        self._part_begun_ns: dict[str, int] = {}
        self._spent_ns: dict[str, int] = {}

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count what happens inside the `with` as that part's, also where it fails."""
        begun_ns = self._part_begun_ns[part] = self._clock_ns()
        try:
            yield
        finally:
            self._spent_ns[part] = self._spent_ns.get(part, 0) + self._clock_ns() - begun_ns

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
