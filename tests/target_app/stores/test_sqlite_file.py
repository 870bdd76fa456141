"""SQLite's own ways to fail, its bounds, and what happens beside the event loop."""

import asyncio
import sqlite3
from contextlib import aclosing, closing

import pytest

from target_app.stores.cart import CartItem
from target_app.stores.errors import StoreError
from target_app.stores.product import Product
from target_app.stores.sessions import Exchange
from target_app.stores.sqlite_carts import SqliteCarts
from target_app.stores.sqlite_file import SqliteFile
from target_app.stores.sqlite_products import SqliteProducts
from target_app.stores.sqlite_sessions import SqliteSessions

EXCHANGE = Exchange("q", "a")


def product(product_id):
    return Product(product_id, "T", "題", 1, "A", "drama", 550, 1, "2024-01-01", "S")


def calls_on(file):
    """Each call that reaches the file, with the store it is a call of."""
    sessions, products, carts = SqliteSessions(file), SqliteProducts(file), SqliteCarts(file)
    return [
        ("sessions", lambda: sessions.history("s")),
        ("sessions", lambda: sessions.append("s", EXCHANGE)),
        ("sessions", sessions.check),
        ("products", lambda: products.get("p")),
        ("products", lambda: products.page(None, 1)),
        ("products", lambda: products.search("t", 1)),
        ("products", lambda: products.put(product("p"))),
        ("products", lambda: products.delete("p")),
        ("products", products.check),
        ("carts", lambda: carts.items("u")),
        ("carts", lambda: carts.put("u", CartItem("p", 1))),
        ("carts", lambda: carts.remove("u", "p")),
        ("carts", carts.check),
    ]


async def errors_of(file):
    errors = []
    for store, call in calls_on(file):
        with pytest.raises(StoreError) as raised:
            await call()
        assert raised.value.store == store
        errors.append(raised.value.reason)
    return set(errors)


@pytest.mark.parametrize("kind", ["missing", "garbage"])
def test_a_file_that_can_not_be_used_is_an_error_of_each_call(tmp_path, kind):
    """A folder that isn't there and a file that is no database are StoreErrors that name the store and the fault."""
    path = tmp_path / ("nowhere/x.db" if kind == "missing" else "garbage.db")
    if kind == "garbage":
        path.write_bytes(b"no database " * 1000)

    async def act():
        async with aclosing(SqliteFile(str(path))) as file:
            expected = {"missing": "SQLite failed (SQLITE_CANTOPEN)", "garbage": "SQLite failed (SQLITE_NOTADB)"}
            assert await errors_of(file) == {expected[kind]}

    asyncio.run(act())


def test_a_file_that_was_missing_is_used_once_it_is_there(tmp_path):
    """After a failure the next call tries again."""

    async def act():
        async with aclosing(SqliteFile(str(tmp_path / "later" / "x.db"))) as file:
            with pytest.raises(StoreError):
                await SqliteCarts(file).check()
            (tmp_path / "later").mkdir()
            await SqliteCarts(file).check()

    asyncio.run(act())


@pytest.mark.parametrize("path", [":memory:", "x.db"])
def test_after_the_end_every_call_is_an_error(tmp_path, path):
    """A closed file answers nothing, and closing it again does no harm."""

    async def act():
        file = SqliteFile(path if path == ":memory:" else str(tmp_path / path))
        await SqliteCarts(file).check()
        await SqliteCarts(file).aclose()
        await SqliteSessions(file).aclose()
        assert await errors_of(file) == {"it is closed"}

    asyncio.run(act())


def test_a_write_that_has_to_wait_keeps_nobody_else_waiting(tmp_path):
    """While another process holds the file, reads and the loop go on; then the write is made."""
    path = str(tmp_path / "x.db")

    async def act():
        async with aclosing(SqliteFile(path, write_wait_s=60.0)) as file:
            carts = SqliteCarts(file)
            await carts.put("u", CartItem("p", 1))
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                write = asyncio.create_task(carts.put("u", CartItem("p", 2)))
                for _ in range(20):
                    assert await carts.items("u") == (CartItem("p", 1),)
                    await asyncio.sleep(0)
                assert not write.done()
                other.execute("COMMIT")
            await write
            assert await carts.items("u") == (CartItem("p", 2),)

    asyncio.run(act())


def test_a_write_that_waits_too_long_is_an_error(tmp_path):
    """A file that stays locked is given up after the limit, and reads of it still answer."""
    path = str(tmp_path / "x.db")

    async def act():
        async with aclosing(SqliteFile(path, write_wait_s=0.01)) as file:
            carts = SqliteCarts(file)
            await carts.check()
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreError, match="SQLITE_BUSY"):
                    await carts.put("u", CartItem("p", 1))
                assert await carts.items("u") == ()
                other.execute("ROLLBACK")
            await carts.put("u", CartItem("p", 1))

    asyncio.run(act())


@pytest.mark.parametrize("path", [":memory:", "x.db"])
def test_a_change_that_fails_is_not_made_at_all(tmp_path, path):
    """Products that can't all be put leave none of them, and the file goes on working."""

    async def act():
        async with aclosing(SqliteFile(path if path == ":memory:" else str(tmp_path / path))) as file:
            products = SqliteProducts(file)
            with pytest.raises(StoreError, match="SQLite can't keep that"):
                await products.put_many([product("a"), product("\ud800")])
            assert await products.page(None, 9) == ()
            await products.put(product("b"))
            assert await products.page(None, 9) == (product("b"),)

    asyncio.run(act())


def test_what_is_no_unicode_is_an_error():
    """Half a surrogate pair can't be a key."""

    async def act():
        async with aclosing(SqliteFile()) as file:
            with pytest.raises(StoreError, match="UnicodeEncodeError"):
                await SqliteSessions(file).history("\ud800")

    asyncio.run(act())


def test_the_session_that_was_added_to_longest_ago_goes_first():
    """Over the bound of sessions, to a hundredth of it, the one that waited longest for an exchange is let go."""

    async def kept(max_sessions, names):
        async with aclosing(SqliteFile()) as file:
            sessions = SqliteSessions(file, max_sessions=max_sessions)
            for name in names:
                await sessions.append(name, EXCHANGE)
            return [name for name in dict.fromkeys(names) if await sessions.history(name)]

    assert asyncio.run(kept(2, "abac")) == ["a", "c"]
    names = [f"s{n}" for n in range(1000)]
    left = asyncio.run(kept(300, names))
    assert left == names[-len(left) :]
    assert 300 <= len(left) <= 303


def test_two_processes_add_to_one_session(tmp_path):
    """Connections that don't know of each other lose nothing of what the other added."""

    async def act():
        path = str(tmp_path / "x.db")
        async with aclosing(SqliteFile(path)) as one, aclosing(SqliteFile(path)) as other:
            stores = [SqliteSessions(file, max_exchanges=100) for file in (one, other)]
            await stores[0].check()
            added = [Exchange(f"q{n}", "a") for n in range(60)]
            await asyncio.gather(*(stores[n % 2].append("s", exchange) for n, exchange in enumerate(added)))
            assert set(await stores[0].history("s")) == set(added)

    asyncio.run(act())
