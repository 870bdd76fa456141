"""A cap on how often users ask."""

from __future__ import annotations


class Pace:
    """Hands out moments to ask at, at least one over `max_per_s` apart, in the order in which they are asked for."""

    def __init__(self, max_per_s: float) -> None:
        self._gap_ns = round(1e9 / max_per_s)
        self._next_ns = 0

    def slot_ns(self, now_ns: int) -> int:
        """The next free moment, now or later."""
        slot_ns = max(now_ns, self._next_ns)
        self._next_ns = slot_ns + self._gap_ns
        return slot_ns
