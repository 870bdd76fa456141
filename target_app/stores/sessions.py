"""The conversations so far: a small Protocol, and the store inside the process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

#: What is kept of each session, wherever it is kept.
MAX_EXCHANGES: Final = 10
MAX_CHARS: Final = 32_000


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
    """Keeps each session's exchanges, oldest first. What is kept is bounded; the oldest goes first.

    Everything raises StoreError where the store fails.
    """

    async def history(self, session_id: str) -> tuple[Exchange, ...]:
        """The session's exchanges, oldest first; none for a session that isn't known."""

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Add an exchange to the end of a session, which begins with it if it isn't known."""

    async def check(self) -> None:
        """Prove that the store can be reached. Raises StoreError."""

    async def aclose(self) -> None:
        """Let go of its connections."""


def newest(exchanges: tuple[Exchange, ...], max_exchanges: int, max_chars: int) -> tuple[Exchange, ...]:
    """The last exchanges that keep within both bounds; none where the last alone has more characters."""
    kept = exchanges[-max_exchanges:]
    while sum(exchange.n_chars for exchange in kept) > max_chars:
        kept = kept[1:]
    return kept


class MemorySessions:
    """Sessions in this process's memory.

    Bounded by `max_sessions` (the one that was used longest ago goes first) and, for each of them, by
    `max_exchanges` and `max_chars` (its oldest exchanges go first).
    """

    def __init__(
        self, max_sessions: int = 10_000, max_exchanges: int = MAX_EXCHANGES, max_chars: int = MAX_CHARS
    ) -> None:
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
        self._sessions[session_id] = newest(
            (*self._sessions.get(session_id, ()), exchange), self._max_exchanges, self._max_chars
        )
        self._sessions.move_to_end(session_id)
        if len(self._sessions) > self._max_sessions:
            self._sessions.popitem(last=False)

    async def check(self) -> None:
        """This process's memory can always be reached."""

    async def aclose(self) -> None:
        """There is no connection."""
