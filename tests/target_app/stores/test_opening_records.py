"""Stores of sessions, products and carts by their URLs, and the catalogue that fills them."""

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest

from target_app.catalogue import catalogue
from target_app.stores.dynamodb_carts import DynamoCarts
from target_app.stores.dynamodb_products import DynamoProducts
from target_app.stores.dynamodb_sessions import DynamoSessions
from target_app.stores.errors import StoreError
from target_app.stores.opening_records import open_stores
from target_app.stores.sessions import Exchange, MemorySessions
from target_app.stores.sqlite_carts import SqliteCarts
from target_app.stores.sqlite_products import SqliteProducts
from target_app.stores.sqlite_sessions import SqliteSessions

DYNAMO = "dynamodb://eu-west-1/manga"


def kinds_of(*urls):
    async def act():
        async with aclosing(await open_stores(*urls, seed=None)) as stores:
            return [type(store) for store in (stores.sessions, stores.products, stores.carts)]

    return asyncio.run(act())


def test_the_scheme_names_the_store(tmp_path):
    """Each URL opens its kind of store, each store by its own URL, without a connection to DynamoDB."""
    sqlite = f"sqlite:///{tmp_path}/x.db"
    assert kinds_of() == [MemorySessions, SqliteProducts, SqliteCarts]
    assert kinds_of(sqlite, sqlite, sqlite) == [SqliteSessions, SqliteProducts, SqliteCarts]
    assert kinds_of(DYNAMO, DYNAMO, DYNAMO) == [DynamoSessions, DynamoProducts, DynamoCarts]
    assert kinds_of(DYNAMO, "memory:", sqlite) == [DynamoSessions, SqliteProducts, SqliteCarts]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "memory:x",
        "mysql://u:hidden@h/db",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/x.db",
        "dynamodb://",
        "dynamodb://region",
        "dynamodb://region/",
        "dynamodb://region/t?create=maybe",
        "dynamodb://region/t?colour=hidden",
        "dynamodb://region/t?endpoint=file:///hidden",
        "dynamodb://region/t?endpoint=http://u:hidden@h",
        "dynamodb://u:hidden@region/t",
        "://",
    ],
)
def test_another_url_is_refused(url):
    """What no store is for is a ValueError that says which there are, without a word of what may be secret."""
    for place in range(3):
        urls = ["memory:"] * 3
        urls[place] = url
        with pytest.raises(ValueError, match=r"sqlite:///path|without user and password") as raised:
            kinds_of(*urls)
        assert "hidden" not in str(raised.value)


def test_a_path_is_relative_or_absolute_and_may_be_quoted(tmp_path, monkeypatch):
    """Three slashes lead on from the working directory, four from the root; %20 is a space."""
    monkeypatch.chdir(tmp_path)

    async def act():
        for url in ("sqlite:///near.db", f"sqlite:///{tmp_path}/far%20away.db"):
            async with aclosing(await open_stores(url, seed=None)) as stores:
                await stores.sessions.append("s", Exchange("q", "a"))

    asyncio.run(act())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far away.db", "near.db"]


def test_products_are_filled_once(tmp_path):
    """Empty products get the catalogue of the seed; what is there stays, also when it was changed."""

    async def walk(url, seed):
        async with aclosing(await open_stores(products_url=url, seed=seed)) as stores:
            everything = await stores.products.page(None, 100_000)
            await stores.products.delete(everything[0].id)
            return everything

    url = f"sqlite:///{tmp_path}/x.db"
    assert asyncio.run(walk("memory:", 5)) == catalogue(5)
    assert asyncio.run(walk(url, 5)) == catalogue(5)
    assert asyncio.run(walk(url, 6)) == catalogue(5)[1:]


def test_dynamodb_is_filled_where_it_was_to_be_created(moto_url):
    """The whole catalogue, through many pages of answers; without `create=true` nothing is written."""
    url = f"dynamodb://eu-west-1/filled?endpoint={moto_url}"

    async def act():
        async with aclosing(await open_stores(products_url=url)) as stores:
            with pytest.raises(StoreError, match="ResourceNotFound"):
                await stores.products.check()
        async with aclosing(await open_stores(products_url=f"{url}&create=true")) as stores:
            volumes = catalogue(1)
            assert await stores.products.page(None, 100_000) == volumes
            assert await stores.products.search(volumes[-1].title, 1) == volumes[-1 - volumes[-1].volume + 1 :][:1]

    asyncio.run(act())


def test_what_can_not_be_created_is_an_error_at_once(deaf_port, tmp_path):
    """A store that is to be created or filled and can't be is known before the first chat."""
    for url in (f"sqlite:///{tmp_path}/no/x.db", f"{DYNAMO}?create=true&endpoint=http://127.0.0.1:{deaf_port}"):
        with pytest.raises(StoreError):
            asyncio.run(open_stores(products_url=url))


def test_what_is_not_asked_for_is_not_loaded():
    """The stores inside the process need no AWS client, and no catalogue where nothing is filled."""
    code = (
        "import sys, asyncio; from target_app.stores.opening_records import open_stores;"
        "asyncio.run(open_stores(seed=None));"
        "print(sorted({'aioboto3', 'botocore', 'target_app.catalogue'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
