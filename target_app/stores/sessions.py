"""The conversations so far: a small Protocol, and the store inside the process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of a conversation that was answered."""

    question: str
    answer: str

    @property
    def n_chars(self) -> int:
        """Characters of both sides."""
        return len(self.question) + len(self.answer)


class SessionStore(Protocol):
    """Keeps each session's exchanges, oldest first. What is kept is bounded; the oldest goes first."""

    async def history(self, session_id: str) -> tuple[Exchange, ...]:
        """The session's exchanges, oldest first; none for a session that isn't known."""

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Add an exchange to the end of a session, which begins with it if it isn't known."""


class MemorySessions:
    """Sessions in this process's memory.

    Bounded by `max_sessions` (the one that was used longest ago goes first) and, for each of them, by
    `max_exchanges` and `max_chars` (its oldest exchanges go first).
    """

    def __init__(self, max_sessions: int = 10_000, max_exchanges: int = 10, max_chars: int = 32_000) -> None:
        self._max_sessions = max_sessions
        self._max_exchanges = max_exchanges
        self._max_chars = max_chars
        self._sessions: OrderedDict[str, tuple[Exchange, ...]] = OrderedDict()

    async def history(self, session_id: str) -> tuple[Exchange, ...]:
        """The session's exchanges, oldest first."""
        if session_id not in self._sessions:
            return ()
        self._sessions.move_to_end(session_id)
        return self._sessions[session_id]

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Add an exchange, and let go of what is over the bounds."""
        self._sessions[session_id] = self._newest((*self._sessions.get(session_id, ()), exchange))
        self._sessions.move_to_end(session_id)
        if len(self._sessions) > self._max_sessions:
            self._sessions.popitem(last=False)

    def _newest(self, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
        kept = exchanges[-self._max_exchanges :]
        while sum(exchange.n_chars for exchange in kept) > self._max_chars:
            kept = kept[1:]
        return kept
