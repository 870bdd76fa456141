"""What retrieval knows of the catalogue: all of it at the start, then each change, however often a store was down."""

import asyncio
from dataclasses import dataclass, field

import pytest

from target_app.embedding.lexical import LexicalEmbedder
from target_app.gateway.cache_rules import Titles
from target_app.knowledge import Knowledge
from target_app.retrieval import Retriever
from target_app.stores.errors import StoreError
from target_app.stores.numpy_vectors import NumpyVectors
from target_app.stores.product import Product
from target_app.stores.sqlite_file import SqliteFile
from target_app.stores.sqlite_products import SqliteProducts


def product(number, title, volume, title_ja=""):
    return Product(f"MGA-{number:06}", title, title_ja, volume, "Kanda", "drama", 500, 3, "2024-05-01", "At sea.")


CATALOGUE = [
    product(1, "Lantern Keeper", 1, "灯守り"),
    product(2, "Lantern Keeper", 2, "灯守り"),
    product(3, "Iron Oven", 1),
]


class Vectors(NumpyVectors):
    """Vectors that can be down."""

    is_up = True
    attempts = 0

    async def add(self, namespace, entries):
        self.attempts += 1
        if not self.is_up:
            raise StoreError("vectors", "down")
        await super().add(namespace, entries)


@dataclass
class Shop:
    vectors: Vectors = field(default_factory=Vectors)
    products: SqliteProducts = field(default_factory=lambda: SqliteProducts(SqliteFile()))
    titles: Titles = field(default_factory=Titles)

    def __post_init__(self):
        embedder = LexicalEmbedder()
        self.retriever = Retriever(embedder, self.vectors, self.products)
        self.knowledge = Knowledge(self.products, self.retriever, self.titles, embedder)

    async def found(self, question):
        return {(one.title, one.volume) for one in await self.retriever.retrieve(question)}

    async def put(self, one):
        await self.products.put(one)
        await self.knowledge.changed(one.id, one)

    async def delete(self, one):
        await self.products.delete(one.id)
        await self.knowledge.changed(one.id, None)


async def opened(act, shop):
    await shop.products.put_many(CATALOGUE)
    try:
        async with shop.knowledge.kept():
            await act(shop)
    finally:
        await shop.products.aclose()


@pytest.fixture
def with_shop():
    """Runs a coroutine function with a shop whose catalogue is being kept known."""
    return lambda act, shop=None: asyncio.run(opened(act, shop or Shop()))


def test_the_catalogue_is_known_from_the_start(with_shop):
    """What the store has when the service starts is found, and its titles are the cache's too."""

    async def act(shop):
        assert ("Lantern Keeper", 2) in await shop.found("Lantern Keeper volume 2")
        assert shop.titles.found("Is 灯守り good?") == {"灯守り"}

    with_shop(act)


def test_a_product_that_is_put_is_found(with_shop):
    """A new title, and a new volume of a known one, are found as soon as the change is told."""

    async def act(shop):
        await shop.put(product(9, "Midnight Volleyball", 1))
        await shop.put(product(8, "Lantern Keeper", 3, "灯守り"))
        assert ("Midnight Volleyball", 1) in await shop.found("Midnight Volleyball")
        assert ("Lantern Keeper", 3) in await shop.found("the latest Lantern Keeper")
        assert shop.titles.found("midnight volleyball?")

    with_shop(act)


def test_a_product_that_is_deleted_is_gone(with_shop):
    """A volume goes alone, the last one takes its title along, and nothing of it stays in the index."""

    async def act(shop):
        await shop.delete(CATALOGUE[1])
        assert await shop.found("Lantern Keeper") == {("Lantern Keeper", 1)}
        await shop.delete(CATALOGUE[0])
        assert await shop.found("Lantern Keeper 灯守り") == set()
        (row,) = await LexicalEmbedder().embed(["x"])
        assert {match.id for match in await shop.vectors.nearest("titles", row, 100)} == {
            "en:Iron Oven",
            "about:Iron Oven",
        }
        assert not shop.titles.found("灯守り")

    with_shop(act)


def test_a_product_that_changes_its_title(with_shop):
    """It is found by its new title, and no more by the old one."""

    async def act(shop):
        await shop.put(product(3, "Copper Kettle", 1))
        assert ("Copper Kettle", 1) in await shop.found("Copper Kettle")
        assert "Iron Oven" not in dict(await shop.found("Iron Oven"))
        assert shop.titles.found("Iron Oven") == frozenset()

    with_shop(act)


def test_a_store_that_was_down_at_the_start_is_filled_later(run_virtually):
    """The start doesn't wait for it; attempts go on, each twice as long after the last, until one succeeds."""

    async def act(shop):
        assert shop.vectors.attempts == 1
        await asyncio.sleep(10.0)
        assert shop.vectors.attempts == 5  # at 0.5, 1.5, 3.5 and 7.5 s
        shop.vectors.is_up = True
        await asyncio.sleep(6.0)
        assert await shop.found("Iron Oven") == {("Iron Oven", 1)}
        assert shop.vectors.attempts == 6

    shop = Shop(products=Pages())
    shop.vectors.is_up = False
    run_virtually(opened(act, shop))


def test_a_change_while_the_store_is_down_is_not_lost(run_virtually):
    """The change itself succeeds; retrieval learns of it when the store is back."""

    async def act(shop):
        shop.vectors.is_up = False
        await shop.put(product(9, "Midnight Volleyball", 1))
        assert await shop.found("Midnight Volleyball") == set()
        shop.vectors.is_up = True
        await asyncio.sleep(2.0)
        assert await shop.found("Midnight Volleyball") == {("Midnight Volleyball", 1)}

    run_virtually(opened(act, Shop(products=Pages())))


class Pages:
    """Products in a dict, for a clock that doesn't wait for threads."""

    def __init__(self):
        self.kept = {}

    async def put_many(self, products):
        self.kept |= {one.id: one for one in products}

    async def put(self, one):
        self.kept[one.id] = one

    async def get(self, key):
        return self.kept.get(key)

    async def page(self, after, limit):
        return tuple(self.kept[key] for key in sorted(self.kept) if after is None or key > after)[:limit]

    async def aclose(self):
        pass


def test_a_late_change_is_told_when_it_is_known():
    """Whoever keeps what was made from the catalogue hears of each change once retrieval has it, and never before."""
    told = []

    async def caught_up():
        told.append(await shop.found("Copper Kettle"))

    shop = Shop()
    shop.knowledge = Knowledge(
        shop.products, shop.retriever, shop.titles, LexicalEmbedder(), wait_s=0.01, caught_up=caught_up
    )

    async def act(shop):
        assert told == []  # the start is no change
        shop.vectors.is_up = False
        await shop.put(product(9, "Copper Kettle", 1))
        assert told == []
        shop.vectors.is_up = True
        await shop.knowledge.catch_up()
        assert [("Copper Kettle", 1) in found for found in told] == [True]

    asyncio.run(opened(act, shop))
