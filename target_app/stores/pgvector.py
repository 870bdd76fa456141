"""Vectors in PostgreSQL with the extension pgvector."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import asyncpg
import msgspec

from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.meter import PoolReport
from target_app.pools.places import CheckoutTimeoutError
from target_app.pools.pool import Pool
from target_app.stores.errors import StoreError
from target_app.stores.vector import Embedding, Entry, Match

#: Entries a call: the HNSW index takes one to two milliseconds for each, and a call must fit into the read limit.
_CHUNK: Final = 200
#: Any number that nobody else locks: two processes that create the table at once get into each other's way.
_LOCK: Final = 7_126_240

_CREATE: Final = """
    SELECT pg_advisory_xact_lock({lock});
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE IF NOT EXISTS mangaassist_vectors (
        namespace text NOT NULL,
        id text NOT NULL,
        embedding vector({dimensions}) NOT NULL,
        payload bytea NOT NULL,
        PRIMARY KEY (namespace, id)
    );
    CREATE INDEX IF NOT EXISTS mangaassist_vectors_hnsw
        ON mangaassist_vectors USING hnsw (embedding vector_cosine_ops);
"""
_ADD: Final = """
    INSERT INTO mangaassist_vectors (namespace, id, embedding, payload) VALUES ($1, $2, $3::text::vector, $4)
    ON CONFLICT (namespace, id) DO UPDATE SET embedding = EXCLUDED.embedding, payload = EXCLUDED.payload
"""
#: The cast stands in a query of its own, or it would read the text again for every row.
_NEAREST: Final = """
    SELECT id, 1 - distance AS similarity, payload FROM (
        SELECT id, payload, embedding <=> (SELECT $2::text::vector) AS distance FROM mangaassist_vectors
        WHERE namespace = $1 ORDER BY distance LIMIT $3
    ) AS near
"""
_DELETE: Final = "DELETE FROM mangaassist_vectors WHERE namespace = $1 AND id = $2"
#: An index scan finds the nearest of all namespaces first; without this it stops before it has `limit` of ours.
#: (`strict_order` would drop near ones that it comes upon late; so ours come in an order that is only about right.)
_SETTINGS: Final = {"hnsw.iterative_scan": "relaxed_order"}
#: How a connection shows that the server has ended it; the last where the news came while it was idle.
_DEAD: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)


class PgVectors:
    """Keeps entries in one table with an HNSW index, which the first `add` creates. Needs pgvector 0.8.

    Owns the connections. One that turns out to be dead is replaced, and the query sent once more. Nearest by HNSW is
    approximate. The table has the dimensions of its first entry.
    """

    def __init__(self, url: str, *, limits: PoolLimits = LIMITS["postgresql"]) -> None:
        self._url = url
        self._limits = limits
        self._has_table = False
        self._pool: Pool[Any] = Pool(self._connect, close=_close, check=_ping, limits=limits)

    async def add(self, namespace: str, entries: Sequence[Entry]) -> None:
        """Add entries, some hundreds at a time: a failure leaves those of the calls before it."""
        if not entries:
            return
        rows = [(namespace, entry.id, _text(entry.embedding), entry.payload) for entry in entries]
        if not self._has_table:
            create = _CREATE.format(lock=_LOCK, dimensions=len(entries[0].embedding))
            await self._run(lambda connection: connection.execute(create))
            self._has_table = True
        for start in range(0, len(rows), _CHUNK):
            await self._run(lambda connection: connection.executemany(_ADD, rows[start : start + _CHUNK]))  # noqa: B023 - it is called before the next

    async def nearest(self, namespace: str, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        """The nearest entries that the index finds."""
        rows = await self._run(lambda connection: _found(connection, _NEAREST, namespace, _text(embedding), limit))
        matches = (Match(row["id"], row["similarity"], row["payload"]) for row in rows)
        return tuple(sorted(matches, key=lambda match: -match.similarity))

    async def delete(self, namespace: str, entry_id: str) -> None:
        """Take an entry away, if it is there."""
        await self._run(lambda connection: _found(connection, _DELETE, namespace, entry_id))

    async def check(self) -> None:
        """Prove by a query that PostgreSQL answers."""
        await self._run(_ping)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    def pool(self) -> PoolReport:
        """What the connections did."""
        return self._pool.meter.report()

    async def _run(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        """What `act` gives for a connection; done again where the connection was dead, as all we do may be."""
        with _mapped():
            try:
                async with self._pool.lease() as connection:
                    return await act(connection)
            except _DEAD:
                await self._pool.drop_idle()
                async with self._pool.lease() as connection:
                    return await act(connection)

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._url,
            timeout=self._limits.connect_s,
            command_timeout=self._limits.read_s,
            server_settings=_SETTINGS,
        )


def _text(embedding: Embedding) -> str:
    """The vector in pgvector's own notation, which is a JSON list."""
    return msgspec.json.encode(embedding.tolist()).decode()


async def _found(connection: Any, query: str, *values: object) -> Sequence[Any]:
    """The rows of a query; none where nothing was ever added."""
    try:
        rows: Sequence[Any] = await connection.fetch(query, *values)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedObjectError):
        return ()
    return rows


async def _ping(connection: Any) -> None:
    await connection.execute("SELECT 1")


async def _close(connection: Any) -> None:
    connection.terminate()


@contextmanager
def _mapped() -> Iterator[None]:
    """What asyncpg raises as StoreError, in words of our own: PostgreSQL's may quote data."""
    try:
        yield
    except CheckoutTimeoutError as error:
        raise StoreError("vectors", str(error)) from error
    except TimeoutError as error:
        raise StoreError("vectors", "PostgreSQL did not answer in time") from error
    except asyncpg.PostgresError as error:
        raise StoreError("vectors", f"PostgreSQL refused ({type(error).__name__}, {error.sqlstate})") from error
    except (*_DEAD, OSError, ValueError) as error:
        raise StoreError("vectors", f"PostgreSQL can't be asked ({type(error).__name__})") from error
