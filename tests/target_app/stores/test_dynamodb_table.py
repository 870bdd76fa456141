"""DynamoDB's own ways to fail: away, silent, full, busy; answers that get lost; whose credentials it gets."""

import asyncio
import os
from contextlib import aclosing

import pytest

from target_app.pools.limits import PoolLimits
from target_app.stores.cart import CartItem
from target_app.stores.dynamodb_carts import DynamoCarts
from target_app.stores.dynamodb_products import DynamoProducts
from target_app.stores.dynamodb_sessions import KEPT_S, DynamoSessions
from target_app.stores.dynamodb_table import DynamoTable
from target_app.stores.errors import StoreError
from target_app.stores.product import Product
from target_app.stores.sessions import Exchange

REGION = "ap-northeast-1"
EXCHANGE = Exchange("q", "a")
SHORT = PoolLimits(min_size=1, max_size=2, connect_s=0.2, read_s=0.2, checkout_s=0.01)
LIMIT_S = 20.0


def product(number):
    return Product(f"X-{number:06d}", "T", "題", 1, "A", "drama", 550, 1, "2024-01-01", "S")


def calls_on(table):
    """Each call that reaches the table, with the store it is a call of."""
    sessions, products, carts = DynamoSessions(table), DynamoProducts(table), DynamoCarts(table)
    return [
        ("sessions", lambda: sessions.history("s")),
        ("sessions", lambda: sessions.append("s", EXCHANGE)),
        ("sessions", lambda: sessions.append("s", Exchange("q", "a" * 100_000))),
        ("sessions", sessions.check),
        ("products", lambda: products.get("p")),
        ("products", lambda: products.page(None, 1)),
        ("products", lambda: products.search("t", 1)),
        ("products", lambda: products.put(product(1))),
        ("products", lambda: products.put_many([product(n) for n in range(60)])),
        ("products", lambda: products.delete("p")),
        ("products", products.check),
        ("carts", lambda: carts.items("u")),
        ("carts", lambda: carts.put("u", CartItem("p", 1))),
        ("carts", lambda: carts.remove("u", "p")),
        ("carts", carts.check),
    ]


async def errors_of(table):
    """What each call of a table that is down ends with, all at once as they would come."""

    async def error_of(call):
        with pytest.raises(StoreError) as raised:
            await call()
        return raised.value

    calls = calls_on(table)
    errors = await asyncio.gather(*(error_of(call) for _, call in calls))
    assert [error.store for error in errors] == [store for store, _ in calls]
    return {error.reason for error in errors}


@pytest.fixture
def no_settings(monkeypatch):
    """Nothing of the machine's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_a_dynamodb_that_is_not_there_is_an_error(deaf_port):
    """A port that nobody listens on is a StoreError of each call, and of the creation."""

    async def act():
        table = DynamoTable(REGION, "t", endpoint=f"http://127.0.0.1:{deaf_port}", attempts=1)
        async with aclosing(table), asyncio.timeout(LIMIT_S):
            assert await errors_of(table) == {"DynamoDB can't be reached (EndpointConnectionError)"}
            with pytest.raises(StoreError, match="can't be reached"):
                await table.create()

    asyncio.run(act())


def test_a_dynamodb_that_is_silent_ends_at_the_limit(silent_port):
    """A server that never answers is given up, all attempts together, within connecting's and reading's limits."""

    async def act():
        limits = PoolLimits(min_size=1, max_size=50, connect_s=0.2, read_s=0.2, checkout_s=5.0)
        table = DynamoTable(REGION, "t", endpoint=f"http://127.0.0.1:{silent_port}", limits=limits)
        async with aclosing(table), asyncio.timeout(LIMIT_S):
            assert await errors_of(table) == {"DynamoDB did not answer in time"}

    asyncio.run(act())


def test_a_missing_table_is_an_error(moto_url):
    """A table that nobody created is a StoreError with DynamoDB's code, and nothing creates it unasked."""

    async def act():
        async with aclosing(DynamoTable(REGION, "never-created", endpoint=moto_url)) as table:
            for _ in range(2):
                assert await errors_of(table) == {"DynamoDB refused a call (ResourceNotFoundException)"}

    asyncio.run(act())


@pytest.mark.usefixtures("no_settings")
def test_no_credentials_is_an_error():
    """Without credentials, and without an endpoint of its own, nothing is sent."""

    async def act():
        async with aclosing(DynamoTable(REGION, "t")) as table:
            assert await errors_of(table) == {"DynamoDB can't be reached (NoCredentialsError)"}

    asyncio.run(act())


def test_credentials_stay_away_from_an_emulator(monkeypatch):
    """An endpoint on this machine is not told whose account it could be."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEUSER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-the-user")
    heads = []

    async def refuse(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def act():
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with aclosing(DynamoTable(REGION, "t", endpoint=endpoint)) as table:
                with pytest.raises(StoreError, match="refused"):
                    await table.check("carts")

    asyncio.run(act())
    assert heads
    assert b"authorization: " in heads[0].lower()
    assert not [head for head in heads if b"AKIAOFTHEUSER" in head or b"token-of-the-user" in head]


def test_a_full_pool_ends_at_the_limit(moto_url):
    """Calls that find no free connection in time fail; the pool counts them, and serves again when one is free."""

    async def act():
        async with aclosing(DynamoTable(REGION, "full", endpoint=moto_url, limits=SHORT)) as table:
            await table.create()
            async with table._places.lease(), table._places.lease():
                with pytest.raises(StoreError, match=r"all 2 connections were busy for 0.01 s"):
                    await DynamoCarts(table).items("u")
                assert table.pool().timeouts == 1
                assert table.pool().active == 2
        async with aclosing(DynamoTable(REGION, "full", endpoint=moto_url)) as table:
            await DynamoCarts(table).check()
            assert DynamoCarts(table).pool().checkouts == 1
            assert DynamoSessions(table).pool().max_size == DynamoProducts(table).pool().max_size == 30
            assert (table.pool().checkouts, table.pool().active, table.pool().max_size) == (1, 0, 30)

    asyncio.run(act())


def test_after_the_end_every_call_is_an_error(moto_url):
    """A closed table answers nothing, and closing it again does no harm."""

    async def act():
        table = DynamoTable(REGION, "ended", endpoint=moto_url)
        await table.create()
        await DynamoCarts(table).aclose()
        await DynamoSessions(table).aclose()
        assert await errors_of(table) == {"it is closed"}

    asyncio.run(act())


def test_what_dynamodb_did_not_get_round_to_is_sent_again(moto_url):
    """Items that come back unprocessed are put in the end, all of them, with 25 a call at most."""
    sizes = []

    class Overloaded(DynamoTable):
        """Takes the first half of each batch of more than three."""

        async def write(self, store, puts):
            sizes.append(len(puts))
            half = len(puts) // 2 if len(puts) > 3 else len(puts)
            return [*await super().write(store, puts[:half]), *puts[half:]]

    async def act():
        async with aclosing(Overloaded(REGION, "overloaded", endpoint=moto_url)) as table:
            await table.create()
            products = DynamoProducts(table)
            await products.put_many([product(n) for n in range(80)])
            assert await products.page(None, 500) == tuple(product(n) for n in range(80))
            return products.batches()

    counts = asyncio.run(act())
    assert (counts.items, counts.sent, counts.batches, counts.pending) == (80, sum(sizes), len(sizes), 0)
    assert counts.retried == sum(sizes) - 80
    assert max(sizes) == 25
    assert len(sizes) > 4


def test_unprocessed_items_are_read_from_the_answer():
    """What the answer names as unprocessed is what `write` gives back."""
    items = [{"pk": {"S": "PRODUCT"}, "sk": {"S": f"#{n}"}} for n in range(3)]

    class Scripted(DynamoTable):
        async def _send(self, store, operation, **request):
            assert (store, operation) == ("products", "batch_write_item")
            return {"UnprocessedItems": {"t": request["RequestItems"]["t"][1:]}}

    assert asyncio.run(Scripted(REGION, "t").write("products", items)) == items[1:]


def test_a_dynamodb_that_never_gets_round_to_it_is_an_error(run_virtually):
    """After the last attempt the products are a StoreError, not lost in silence."""

    class Stuck(DynamoTable):
        async def write(self, _, puts):
            return puts

    with pytest.raises(StoreError, match="still unprocessed after") as raised:
        run_virtually(DynamoProducts(Stuck(REGION, "stuck")).put_many([product(n) for n in range(30)]))
    assert raised.value.store == "products"


def test_an_exchange_whose_answer_was_lost_is_kept_once(moto_url):
    """Where an attempt took effect and its answer never came, the next attempt adds nothing."""

    class Lossy(DynamoTable):
        """Makes each update twice, as the SDK does when the first answer gets lost."""

        async def call(self, store, operation, **request):
            if operation == "update_item":
                await super().call(store, operation, **request)
            return await super().call(store, operation, **request)

    async def act():
        async with aclosing(Lossy(REGION, "lossy", endpoint=moto_url)) as table:
            await table.create()
            sessions = DynamoSessions(table)
            added = tuple(Exchange(f"q{n}", "a") for n in range(3))
            for exchange in added:
                await sessions.append("s", exchange)
            assert await sessions.history("s") == added

    asyncio.run(act())


def test_processes_that_create_the_table_at_once_share_it(moto_url):
    """Whoever comes second, or later, finds the table and what is in it."""

    async def act():
        async with (
            aclosing(DynamoTable(REGION, "shared", endpoint=moto_url)) as one,
            aclosing(DynamoTable(REGION, "shared", endpoint=moto_url)) as other,
        ):
            await asyncio.gather(one.create(), other.create())
            await DynamoCarts(one).put("u", CartItem("p", 1))
            await other.create()
            assert await DynamoCarts(other).items("u") == (CartItem("p", 1),)

    asyncio.run(act())


def test_sessions_end_by_the_time_to_live(moto_url):
    """A session says when it may go, counted from its last exchange, and the table was told to look there."""

    async def act():
        now_s = 1_000.75
        async with aclosing(DynamoTable(REGION, "mortal", endpoint=moto_url)) as table:
            await table.create()
            sessions = DynamoSessions(table, clock=lambda: now_s)
            await sessions.append("s", EXCHANGE)
            now_s = 2_000.0
            await sessions.append("s", EXCHANGE)
            key = {"pk": {"S": "SESSION#s"}, "sk": {"S": "-"}}
            item = (await table.call("sessions", "get_item", Key=key))["Item"]
            assert item["expires_s"] == {"N": str(2_000 + KEPT_S)}
            told = (await table.call("sessions", "describe_time_to_live"))["TimeToLiveDescription"]
            assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_s"}

    asyncio.run(act())
