"""SQLite without a server: one file, or this process's memory, for sessions, products and carts.

A point read takes some 5 µs in memory and from a file, less than handing it to a thread and back, so reads happen on
the event loop. A commit to a file takes 15 µs, until a checkpoint makes it wait for the disk: 4 ms in a hundred, 45 ms
at worst where this was measured. So what writes to a file does it in a thread, by a connection of its own; with WAL
the two don't wait for each other.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from target_app.stores.errors import StoreError

MEMORY: Final = ":memory:"
#: How long a write waits for other processes' writes; and a read, which keeps the event loop waiting.
WRITE_WAIT_S: Final = 2.0
_READ_WAIT_S: Final = 0.02

_TABLES: Final = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, place INTEGER NOT NULL UNIQUE, exchanges BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS products (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, title_ja TEXT NOT NULL, product BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS carts (
        user_id TEXT, product_id TEXT, quantity INTEGER NOT NULL, PRIMARY KEY (user_id, product_id)
    ) WITHOUT ROWID;
"""

T = TypeVar("T")
Row = tuple[Any, ...]


class SqliteFile:
    """The database at `path`, opened at its first use, with the tables of all three stores.

    Owns two connections and a thread, or in memory one connection. The stores on it are closed together.
    """

    def __init__(self, path: str = MEMORY, *, write_wait_s: float = WRITE_WAIT_S) -> None:
        self._path = path
        self._write_wait_s = write_wait_s
        self._thread = None if path == MEMORY else ThreadPoolExecutor(1, "sqlite")
        self._opening = asyncio.Lock()
        # The first reads, on the event loop alone; the second writes, in the thread alone, where there is one.
        self._pair: tuple[sqlite3.Connection, sqlite3.Connection] | None = None
        self._is_closed = False

    async def read(self, store: str, sql: str, *values: object) -> list[Row]:
        """All rows of a query. Raises StoreError."""
        with _mapped(store):
            reader, _ = await self._connections(store)
            return reader.execute(sql, values).fetchall()

    async def write(self, store: str, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change, which is kept whole or not at all. Raises StoreError."""
        with _mapped(store):
            _, writer = await self._connections(store)
            return await self._run(lambda: _committed(writer, change))

    async def aclose(self) -> None:
        """Close the connections; the last one to a file empties its log into it."""
        self._is_closed = True
        async with self._opening:
            pair, self._pair = self._pair, None
        if pair is not None:
            reader, writer = pair
            reader.close()
            await self._run(writer.close)
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    async def _connections(self, store: str) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        if self._pair is not None:
            return self._pair
        async with self._opening:
            if self._is_closed:
                raise StoreError(store, "it is closed")
            if self._pair is None:
                self._pair = await self._run(self._connect)
            return self._pair

    def _connect(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        writer = _connection(self._path, self._write_wait_s)
        try:
            writer.executescript(_TABLES)
            return writer if self._thread is None else _connection(self._path, _READ_WAIT_S), writer
        except BaseException:
            writer.close()
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        return work() if self._thread is None else await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _connection(path: str, wait_s: float) -> sqlite3.Connection:
    # Opened in the thread, used on the loop: whose connection is whose is kept above.
    return sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)


def _committed(writer: sqlite3.Connection, change: Callable[[sqlite3.Connection], T]) -> T:
    writer.execute("BEGIN IMMEDIATE")
    try:
        result = change(writer)
        writer.execute("COMMIT")
    except BaseException:
        if writer.in_transaction:  # a full disk ends it by itself
            writer.execute("ROLLBACK")
        raise
    return result


@contextmanager
def _mapped(store: str) -> Iterator[None]:
    """SQLite's failures as StoreError, by their names: its words may quote what was stored."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StoreError(store, f"SQLite failed ({name})") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise StoreError(store, f"SQLite can't keep that ({type(error).__name__})") from error
