"""What every store of sessions, products and carts does alike, wherever it keeps them."""

import asyncio
import json
from contextlib import aclosing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_app.stores.cart import CartItem
from target_app.stores.opening_records import open_stores
from target_app.stores.product import Product
from target_app.stores.sessions import MAX_CHARS, MAX_EXCHANGES, Exchange

#: Ids that mean something to a database that takes them for its own language.
NASTY = [
    "",
    " ",
    "'",
    "x'; DROP TABLE sessions; --",
    "' OR '1'='1",
    '"} , {"S": "*"}',
    ":pk",
    "#id",
    "SESSION#1",
    "CART#",
    "../../etc/passwd",
    "%",
    "_",
    "日本の漫画",
    "🗾" * 16,
    "a\x00b",
    "line\nbreak",
    json.dumps({"$ne": None}),
]
SEARCHED = st.text(st.sampled_from("aAbBßſéÉワン%_'\n "), max_size=4)


def product(number, **changed):
    fields = {
        "id": f"X-{number:06d}",
        "title": f"Title {number}",
        "title_ja": f"題名{number}",
        "volume": number,
        "author": "Sora Minase",
        "genre": "drama",
        "price_jpy": 550,
        "stock": 3,
        "released": "2024-05-01",
        "summary": "『要約』\n\"quoted\", with a\ttab and 'more'.",
    }
    return Product(**(fields | changed))


def exchanges(*numbers):
    return tuple(Exchange(f"q{n}", f"a{n}") for n in numbers)


def run_with(url, act):
    """Runs a coroutine function with the stores open, and products that hold nothing."""

    async def opened():
        async with aclosing(await open_stores(url, url, url, seed=None)) as stores:
            return await act(stores)

    return asyncio.run(opened())


@pytest.fixture
def with_stores(records_url):
    return lambda act: run_with(records_url, act)


def test_a_session_is_kept_in_order_and_within_bounds(with_stores):
    """Exchanges come back oldest first, letter by letter; over the bounds the oldest goes; other sessions have none."""

    async def act(stores):
        for exchange in exchanges(*range(MAX_EXCHANGES + 3)):
            await stores.sessions.append("s", exchange)
        assert await stores.sessions.history("s") == exchanges(*range(3, MAX_EXCHANGES + 3))
        assert await stores.sessions.history("t") == ()
        odd = Exchange('{"a": [\\n]}\x00', "「ワンピース」🗾\n")
        large = Exchange("q" * (MAX_CHARS // 2), "漫" * (MAX_CHARS // 2 - odd.n_chars))
        await stores.sessions.append("s", odd)
        await stores.sessions.append("s", large)
        assert await stores.sessions.history("s") == (odd, large)
        await stores.sessions.append("s", Exchange("", "x" * (MAX_CHARS + 1)))
        assert await stores.sessions.history("s") == ()
        await stores.sessions.append("s", odd)
        assert await stores.sessions.history("s") == (odd,)

    with_stores(act)


def test_exchanges_added_at_once_are_all_kept(with_stores):
    """However appends to one session and to others overlap, each is kept once."""

    async def act(stores):
        added = exchanges(*range(MAX_EXCHANGES))
        await asyncio.gather(*(stores.sessions.append(name, one) for one in added for name in "ab"))
        for name in "ab":
            assert sorted(await stores.sessions.history(name), key=lambda one: one.question) == list(added)
        more = exchanges(*range(100, 100 + MAX_EXCHANGES))
        await asyncio.gather(*(stores.sessions.append("a", one) for one in more))
        assert set(await stores.sessions.history("a")) == set(more)

    with_stores(act)


def test_products_are_put_got_replaced_and_deleted(with_stores):
    """A product comes back field by field; the last put counts; deleting says whether there was one."""

    async def act(stores):
        assert await stores.products.get("X-000001") is None
        await stores.products.put(product(1))
        assert await stores.products.get("X-000001") == product(1)
        await stores.products.put(product(1, stock=0, price_jpy=990))
        assert await stores.products.get("X-000001") == product(1, stock=0, price_jpy=990)
        assert [await stores.products.delete("X-000001") for _ in range(2)] == [True, False]
        assert await stores.products.get("X-000001") is None

    with_stores(act)


def test_pages_walk_through_all_products_in_order(with_stores):
    """Page after page gives each product once, by id, whatever was put first; a limit of nothing gives nothing."""

    async def act(stores):
        some = [product(number) for number in range(1, 61)]
        await stores.products.put_many([*some[::-1], product(7, stock=9)])
        some[6] = product(7, stock=9)
        walked, after = [], None
        while page := await stores.products.page(after, 7):
            assert len(page) <= 7
            walked.extend(page)
            after = page[-1].id
        assert walked == some
        assert await stores.products.page("X-000003", 2) == tuple(some[3:5])
        assert await stores.products.page("X-0000035", 1) == (some[3],)  # after an id that isn't there
        for limit in (0, -1):
            assert await stores.products.page(None, limit) == ()
            assert await stores.products.search("title", limit) == ()

    with_stores(act)


def test_a_search_finds_both_languages_in_any_case(with_stores):
    """A part of either title finds it, whatever its case in any script; signs that databases know mean themselves."""

    async def act(stores):
        titles = {1: ("One Piece", "ワンピース"), 2: ("ÉCLAIR", "STRASSE"), 3: ("100% Love_", "愛"), 4: ("Won't", "愛")}
        await stores.products.put_many([product(n, title=en, title_ja=ja) for n, (en, ja) in titles.items()])

        async def found(text, limit=10):
            return [one.volume for one in await stores.products.search(text, limit)]

        expected = {
            "PIECE": [1],
            "ンピー": [1],
            "éclair": [2],
            "straße": [2],
            "愛": [3, 4],
            "%": [3],
            "_": [3],
            "'": [4],
            "o": [1, 3, 4],
            "%' OR 1=1 --": [],
            "Piece\nワン": [],
            "": [1, 2, 3, 4],
        }
        assert {text: await found(text) for text in expected} == expected
        assert await found("o", 2) == [1, 3]

    with_stores(act)


def test_a_cart_keeps_its_products_by_id(with_stores):
    """Each product is in a cart once, with the last quantity; carts are apart; removing says whether it was there."""

    async def act(stores):
        assert await stores.carts.items("u") == ()
        await asyncio.gather(*(stores.carts.put("u", CartItem(f"p{n:02d}", n)) for n in range(30, 0, -1)))
        await stores.carts.put("u", CartItem("p07", 70))
        await stores.carts.put("v", CartItem("p07", 1))
        quantities = {f"p{n:02d}": n for n in range(1, 31)} | {"p07": 70}
        assert await stores.carts.items("u") == tuple(CartItem(name, n) for name, n in quantities.items())
        assert [await stores.carts.remove("u", "p07") for _ in range(2)] == [True, False]
        assert "p07" not in {item.product_id for item in await stores.carts.items("u")}
        assert await stores.carts.items("v") == (CartItem("p07", 1),)

    with_stores(act)


def test_ids_are_only_ever_ids(with_stores):
    """Whatever an id is written like, it names its own session, product or cart and nobody else's."""

    async def act(stores):
        await asyncio.gather(
            *(stores.sessions.append(name, Exchange("mine", name)) for name in NASTY),
            *(stores.products.put(product(n, id=f"P{name}")) for n, name in enumerate(NASTY)),
            *(stores.carts.put(name, CartItem(name, n)) for n, name in enumerate(NASTY)),
        )
        for n, name in enumerate(NASTY):
            assert await stores.sessions.history(name) == (Exchange("mine", name),)
            assert await stores.products.get(f"P{name}") == product(n, id=f"P{name}")
            assert await stores.carts.items(name) == (CartItem(name, n),)
            assert not await stores.carts.remove(name, f"{name}' OR '1'='1")
        ids = sorted(f"P{name}" for name in NASTY)
        assert [one.id for one in await stores.products.page(None, 100)] == ids
        for name in NASTY:
            assert await stores.products.get(f"Q{name}") is None
            assert await stores.sessions.history(f"Q{name}") == ()

    with_stores(act)


def test_stores_that_are_up_say_so(with_stores):
    """The check of a store that can be reached passes."""

    async def act(stores):
        for store in (stores.sessions, stores.products, stores.carts):
            await store.check()

    with_stores(act)


def test_what_was_kept_is_there_for_the_next_process(records_url):
    """Except in memory, opening the same URL again finds what was put."""

    async def put(stores):
        await stores.sessions.append("s", *exchanges(1))
        await stores.products.put(product(1))
        await stores.carts.put("u", CartItem("p", 1))

    async def got(stores):
        return await stores.sessions.history("s"), await stores.products.page(None, 9), await stores.carts.items("u")

    run_with(records_url, put)
    kept = (exchanges(1), (product(1),), (CartItem("p", 1),))
    assert run_with(records_url, got) == (((), (), ()) if records_url == "memory:" else kept)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=st.lists(st.tuples(SEARCHED, SEARCHED), max_size=5), text=SEARCHED)
def test_a_search_is_what_its_words_say(titles, text):
    """For any titles and any text, what is found is what holds the text when case is folded away."""

    async def act(stores):
        some = [product(n, title=en, title_ja=ja) for n, (en, ja) in enumerate(titles)]
        await stores.products.put_many(some)
        folded = text.casefold()
        holds = tuple(p for p in some if folded in p.title.casefold() or folded in p.title_ja.casefold())
        assert await stores.products.search(text, 10) == holds

    run_with("memory:", act)
