"""The store inside the process: order, bounds and what goes first."""

import asyncio

from target_app.stores.sessions import Exchange, MemorySessions


def filled(store, session_id, exchanges):
    async def run():
        for exchange in exchanges:
            await store.append(session_id, exchange)

    asyncio.run(run())


def history(store, session_id):
    return asyncio.run(store.history(session_id))


def exchanges(*numbers):
    return tuple(Exchange(f"q{n}", f"a{n}") for n in numbers)


def test_a_session_is_kept_in_order_and_apart():
    """A session's exchanges come back oldest first; another session has none of them."""
    store = MemorySessions()
    filled(store, "s", exchanges(1, 2, 3))
    assert history(store, "s") == exchanges(1, 2, 3)
    assert history(store, "t") == ()


def test_the_oldest_exchange_goes_first():
    """Over the bound of exchanges, and over that of characters, the oldest are let go."""
    store = MemorySessions(max_exchanges=2)
    filled(store, "s", exchanges(1, 2, 3))
    assert history(store, "s") == exchanges(2, 3)
    store = MemorySessions(max_chars=8)
    filled(store, "s", exchanges(1, 2, 3))
    assert history(store, "s") == exchanges(2, 3)


def test_an_exchange_over_the_bound_is_not_kept():
    """One exchange with more characters than a session may have leaves none."""
    store = MemorySessions(max_chars=3)
    filled(store, "s", exchanges(1))
    assert history(store, "s") == ()


def test_the_session_that_was_used_longest_ago_goes_first():
    """Over the bound of sessions, the one that was neither read nor added to for longest is let go."""
    store = MemorySessions(max_sessions=2)
    filled(store, "a", exchanges(1))
    filled(store, "b", exchanges(2))
    assert history(store, "a") == exchanges(1)
    filled(store, "c", exchanges(3))
    assert [history(store, name) for name in "abc"] == [exchanges(1), (), exchanges(3)]


def test_what_was_read_stays_as_it_was():
    """A history that was read is not changed by what is added after it."""
    store = MemorySessions()
    filled(store, "s", exchanges(1))
    read = history(store, "s")
    filled(store, "s", exchanges(2))
    assert read == exchanges(1)
