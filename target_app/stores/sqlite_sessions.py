"""Sessions in SQLite: a row each."""

from __future__ import annotations

import sqlite3

import msgspec

from target_app.stores.sessions import MAX_CHARS, MAX_EXCHANGES, Exchange, newest
from target_app.stores.sqlite_file import SqliteFile

_EXCHANGES = msgspec.json.Decoder(tuple[Exchange, ...])
_KEPT = "SELECT exchanges FROM sessions WHERE id = ?"
_KEEP = """
    INSERT INTO sessions (id, place, exchanges) VALUES (?, (SELECT ifnull(max(place), 0) + 1 FROM sessions), ?)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, exchanges = excluded.exchanges
    RETURNING place
"""
#: This walks over all sessions, so it is done once in a while: when a hundredth of them may be too many.
_PATIENCE = 100
_FORGET = "DELETE FROM sessions WHERE place IN (SELECT place FROM sessions ORDER BY place DESC LIMIT -1 OFFSET ?)"


class SqliteSessions:
    """Keeps sessions in `file`, `max_sessions` and up to a hundredth more; what was added to longest ago goes first.

    What `max_exchanges` and `max_chars` bound is each session.
    """

    def __init__(
        self,
        file: SqliteFile,
        max_sessions: int = 100_000,
        max_exchanges: int = MAX_EXCHANGES,
        max_chars: int = MAX_CHARS,
    ) -> None:
        self._file = file
        self._max_sessions = max_sessions
        self._max_exchanges = max_exchanges
        self._max_chars = max_chars

    async def history(self, session_id: str) -> tuple[Exchange, ...]:
        """The session's exchanges, oldest first."""
        return _decoded(await self._file.read("sessions", _KEPT, session_id))

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Add an exchange, and let go of what is over the bounds."""

        def change(writer: sqlite3.Connection) -> None:
            before = _decoded(writer.execute(_KEPT, (session_id,)).fetchall())
            kept = newest((*before, exchange), self._max_exchanges, self._max_chars)
            ((place,),) = writer.execute(_KEEP, (session_id, msgspec.json.encode(kept))).fetchall()
            if place % max(1, self._max_sessions // _PATIENCE) == 0:
                writer.execute(_FORGET, (self._max_sessions,))

        await self._file.write("sessions", change)

    async def check(self) -> None:
        """Prove that the file can be read."""
        await self._file.read("sessions", _KEPT, "")

    async def aclose(self) -> None:
        """Close the file, for the other stores on it too."""
        await self._file.aclose()


def _decoded(rows: list[tuple[bytes]]) -> tuple[Exchange, ...]:
    return _EXCHANGES.decode(rows[0][0]) if rows else ()
