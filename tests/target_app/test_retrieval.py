"""Retrieval: the volumes that a question is about, from a small catalogue."""

import asyncio

import pytest

from target_app.embedding.lexical import LexicalEmbedder
from target_app.retrieval import Retriever
from target_app.stores.errors import StoreError
from target_app.stores.numpy_vectors import NumpyVectors
from target_app.stores.product import Product

#: Invented titles: what matters is how they read.
TITLES = [
    ("The Lantern Keeper", "灯守り", "Aoi Kanda", "fantasy", "A girl guards the last lighthouse of a drowned country."),
    ("Iron Kitchen", "鉄の台所", "Ren Mori", "cooking", "Robots compete in a cooking tournament."),
    ("Iron Kitchen Zero", "鉄の台所ゼロ", "Ren Mori", "cooking", "How the tournament began."),
    ("Midnight Volleyball Club", "真夜中バレー部", "Yui Oda", "sports", "A school team that trains at night."),
    (
        "Salaryman of the Dead",
        "死者のサラリーマン",
        "Ken Abe",
        "horror",
        "Overtime goes on after the end of the world.",
    ),
]
CATALOGUE = [
    Product(f"MGA-{10 * row + volume:06}", title, title_ja, volume, author, genre, 500, 3, "2024-05-01", summary)
    for row, (title, title_ja, author, genre, summary) in enumerate(TITLES)
    for volume in (3, 1, 2, 4)
]


class Shelf:
    """The products in a dict: the one method of a ProductStore that retrieval needs."""

    def __init__(self, products=CATALOGUE):
        self.products = {product.id: product for product in products}

    async def get(self, product_id):
        return self.products.get(product_id)


class Broken:
    async def embed(self, *_):
        raise StoreError("vectors", "down")

    async def nearest(self, *_):
        raise StoreError("vectors", "down")

    async def get(self, *_):
        raise StoreError("products", "down")


def retrieved(question, limit=5, shelf=None, catalogue=CATALOGUE):
    async def run():
        retriever = Retriever(LexicalEmbedder(), NumpyVectors(), shelf or Shelf())
        await retriever.index(catalogue)
        return await retriever.retrieve(question, limit)

    return [(product.title, product.volume) for product in asyncio.run(run())]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Do you have The Lantern Keeper volume 3 in stock?", ("The Lantern Keeper", 3)),
        ("how much is iron kitchen vol. 2?", ("Iron Kitchen", 2)),
        ("Is Midnight Volleyball Club Vol4 out?", ("Midnight Volleyball Club", 4)),
        ("灯守りの第2巻はありますか?", ("The Lantern Keeper", 2)),
        ("死者のサラリーマン3巻の値段は?", ("Salaryman of the Dead", 3)),
        ("真夜中バレー部の最新巻はいつ発売ですか?", ("Midnight Volleyball Club", 4)),
        ("What is the latest volume of Iron Kitchen Zero?", ("Iron Kitchen Zero", 4)),
        ("Give me a summary of Salaryman of the Dead.", ("Salaryman of the Dead", 1)),
        ("How much is Iron Kitchen volume 99?", ("Iron Kitchen", 1)),
        ("Which manga has robots in a cooking tournament?", ("Iron Kitchen", 1)),
    ],
)
def test_what_the_question_names_comes_first(question, expected):
    """The title by its name in either language or by what it is about; the volume by number, or the newest."""
    assert retrieved(question)[0] == expected


def test_the_longest_name_in_the_question_counts():
    """A title that is the beginning of another's does not stand in its way, nor the other way round."""
    assert retrieved("Iron Kitchen Zero")[0][0] == "Iron Kitchen Zero"
    assert retrieved("Iron Kitchen")[0][0] == "Iron Kitchen"


def test_several_titles_come_before_second_volumes():
    """One volume of each near title first, each volume once, and no more than were asked for."""
    found = retrieved("Iron Kitchen volume 2", limit=5)
    assert found[:2] == [("Iron Kitchen", 2), ("Iron Kitchen Zero", 2)]
    assert len(set(found)) == len(found) <= 5
    assert retrieved("Iron Kitchen volume 2", limit=1) == [("Iron Kitchen", 2)]


@pytest.mark.parametrize("question", ["Where is my order #MGA-2024-78542?", "おはよう", "", "!?"])
def test_what_is_about_no_title_gets_none(question):
    """Nothing that is merely the least far is handed out as a source."""
    assert retrieved(question) == []


def test_what_is_no_longer_sold_is_left_out():
    """A product that is gone from the store since it was indexed isn't a source any more."""
    shelf = Shelf([product for product in CATALOGUE if product.title != "Iron Kitchen"])
    assert "Iron Kitchen" not in dict(retrieved("Iron Kitchen volume 2", shelf=shelf))


def test_indexing_again_replaces_what_was_known():
    """A volume that comes out is found as soon as its title is indexed again."""

    async def run():
        new = Product("MGA-000099", *TITLES[0][:2], 5, *TITLES[0][2:4], 500, 3, "2025-01-01", TITLES[0][4])
        shelf = Shelf([*CATALOGUE, new])
        retriever = Retriever(LexicalEmbedder(), NumpyVectors(), shelf)
        await retriever.index(CATALOGUE)
        await retriever.index(shelf.products.values())
        return await retriever.retrieve("The Lantern Keeper, latest volume", 1)

    (product,) = asyncio.run(run())
    assert product.volume == 5


def test_nothing_is_found_before_anything_is_known():
    """An empty index has no sources, and that is no error."""
    assert retrieved("Iron Kitchen", catalogue=[]) == []


@pytest.mark.parametrize("part", ["embedder", "vectors", "products"])
def test_a_store_that_fails_is_told(part):
    """Whichever of the three fails, the orchestrator gets the StoreError that it degrades on."""

    async def run():
        parts = {"embedder": LexicalEmbedder(), "vectors": NumpyVectors(), "products": Shelf()}
        await Retriever(**parts).index(CATALOGUE)
        retriever = Retriever(**(parts | {part: Broken()}))
        with pytest.raises(StoreError, match="down"):
            await retriever.retrieve("Iron Kitchen")

    asyncio.run(run())


def test_of_a_long_question_only_the_beginning_counts():
    """What is embedded is bounded: a title behind the first thousand characters isn't looked for."""
    seen = []

    class Embeds(LexicalEmbedder):
        async def embed(self, texts):
            seen.extend(texts)
            return await super().embed(texts)

    async def run():
        retriever = Retriever(Embeds(), NumpyVectors(), Shelf())
        await retriever.index(CATALOGUE)
        seen.clear()
        first = await retriever.retrieve("Iron Kitchen volume 2 " + "z" * 100_000)
        return first, await retriever.retrieve("z" * 2000 + " Iron Kitchen volume 2")

    first, behind = asyncio.run(run())
    assert [len(text) for text in seen] == [1000, 1000]
    assert "Iron Kitchen" not in {product.title for product in behind}
    assert isinstance(first, tuple)
