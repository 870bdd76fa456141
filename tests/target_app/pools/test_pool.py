"""The pool: its bounds, its line of waiters, and what becomes of its connections."""

import asyncio

import pytest

from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.places import CheckoutTimeoutError, Places
from target_app.pools.pool import Pool

FEW = PoolLimits(min_size=0, max_size=2, connect_s=1.0, read_s=1.0, checkout_s=0.5)


class Server:
    """Numbered connections, and what was done to them."""

    def __init__(self):
        self.opened = 0
        self.closed = []
        self.sick = set()
        self.checked = []
        self.is_up = True
        self.connect_takes_s = 0.0

    async def connect(self):
        if not self.is_up:
            raise ConnectionRefusedError
        self.opened += 1
        number = self.opened
        await asyncio.sleep(self.connect_takes_s)
        return number

    async def close(self, connection):
        self.closed.append(connection)

    async def check(self, connection):
        self.checked.append(connection)
        if connection in self.sick:
            raise ConnectionResetError

    def pool(self, limits=FEW):
        return Pool(self.connect, close=self.close, check=self.check, limits=limits, clock=now_s)


def now_s():
    return asyncio.get_running_loop().time()


@pytest.fixture
def server():
    return Server()


async def use(pool, seconds, log=None, name=None):
    async with pool.lease() as connection:
        if log is not None:
            log.append(name)
        await asyncio.sleep(seconds)
        return connection


def test_the_table_is_the_service_s():
    """The limits are MangaAssist's own."""
    rows = {
        name: (row.min_size, row.max_size, row.connect_s, row.read_s, row.checkout_s) for name, row in LIMITS.items()
    }
    del rows["postgresql"]
    assert rows == {
        "bedrock": (5, 50, 3, 10, 2),
        "dynamodb": (3, 30, 2, 5, 5),
        "opensearch": (3, 20, 3, 5, 5),
        "redis": (5, 100, 1, 1, 0.5),
    }
    assert {(row.idle_s, row.health_check_s) for row in LIMITS.values()} == {(300, 60)}


def test_a_connection_is_used_again(run_virtually, server):
    """One after another needs one connection."""

    async def run():
        pool = server.pool()
        assert [await use(pool, 0.1) for _ in range(5)] == [1] * 5
        report = pool.meter.report()
        assert (report.size, report.active, report.idle, report.checkouts) == (1, 0, 1, 5)
        await pool.aclose()

    run_virtually(run())
    assert server.closed == [1]


def test_waiters_are_served_in_their_order_and_the_bound_holds(run_virtually, server):
    """Never more connections than the most; the rest wait in line."""
    log = []

    async def run():
        pool = server.pool()
        await asyncio.gather(*(use(pool, 0.1, log, name) for name in range(8)))
        report = pool.meter.report()
        assert report.max_checkout_ms == pytest.approx(300)
        await pool.aclose()

    run_virtually(run())
    assert log == list(range(8))
    assert server.opened == 2


def test_a_checkout_ends_at_its_limit_and_is_counted(run_virtually, server):
    """Whoever finds none free in time is told so, and holds up nobody after it."""

    async def run():
        pool = server.pool()
        holders = [asyncio.create_task(use(pool, 2.0)) for _ in range(2)]
        await asyncio.sleep(0.001)
        asked_s = now_s()
        with pytest.raises(CheckoutTimeoutError, match=r"all 2 connections were busy for 0\.5 s"):
            await use(pool, 0)
        assert now_s() - asked_s == pytest.approx(0.5)
        await asyncio.gather(*holders)
        assert await use(pool, 0) in {1, 2}
        assert (pool.meter.report().timeouts, pool.meter.report().checkouts) == (1, 4)
        await pool.aclose()

    run_virtually(run())


def test_a_waiter_that_gives_up_takes_no_place_with_it(run_virtually, server):
    """After a cancelled wait, and after a cancelled use, all places are there again."""

    async def run():
        pool = server.pool()
        users = [asyncio.create_task(use(pool, 0.2)) for _ in range(6)]
        await asyncio.sleep(0.01)
        users[1].cancel()
        users[3].cancel()
        results = await asyncio.gather(*users, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [0, 1, 0, 1, 0, 0]
        async with pool.lease() as one, pool.lease() as other:
            assert one != other
        await pool.aclose()

    run_virtually(run())


def test_a_connection_whose_use_failed_is_closed(run_virtually, server):
    """Nobody gets a connection that somebody left in the middle of an exchange."""

    async def run():
        pool = server.pool()
        with pytest.raises(ValueError, match="broken"):
            async with pool.lease():
                raise ValueError("broken")
        assert await use(pool, 0) == 2
        assert pool.meter.report().size == 1
        await pool.aclose()

    run_virtually(run())
    assert server.closed == [1, 2]


def test_connecting_has_its_limit_and_frees_its_place(run_virtually, server):
    """A server that does not answer, or refuses, is not waited for; afterwards the pool is whole."""

    async def run():
        pool = server.pool()
        server.connect_takes_s = 5.0
        with pytest.raises(TimeoutError):
            await use(pool, 0)
        assert now_s() == pytest.approx(1.0)
        server.is_up = False
        with pytest.raises(ConnectionRefusedError):
            await use(pool, 0)
        assert pool.meter.report().size == 0
        server.is_up, server.connect_takes_s = True, 0.0
        async with pool.lease(), pool.lease():
            assert pool.meter.report().active == 2
        await pool.aclose()

    run_virtually(run())


def test_the_least_is_kept_warm_and_idle_ones_are_aired(run_virtually, server):
    """From the first use on `min_size` are open; what is idle for 300 s is replaced, what fails a check as well."""
    limits = PoolLimits(min_size=2, max_size=5, connect_s=1.0, read_s=1.0, checkout_s=0.5)

    async def run():
        pool = server.pool(limits)
        await use(pool, 0.1)
        assert pool.meter.report().size == 2
        server.sick.add(1)
        await asyncio.sleep(60)
        assert (server.closed, pool.meter.report().size) == ([1], 2)
        assert set(server.checked) == {1, 2}
        await asyncio.sleep(240)
        assert server.closed == [1, 2]
        await asyncio.sleep(60)
        assert server.closed == [1, 2, 3]
        assert pool.meter.report().size == 2
        await pool.aclose()

    run_virtually(run())
    assert len(server.closed) == server.opened


def test_upkeep_survives_a_server_that_is_away(run_virtually, server):
    """While nothing can be opened the pool is empty; once the server is back it is warm again by itself."""
    limits = PoolLimits(min_size=2, max_size=5, connect_s=1.0, read_s=1.0, checkout_s=0.5)

    async def run():
        pool = server.pool(limits)
        await use(pool, 0.1)
        server.is_up, server.sick = False, {1, 2}
        await asyncio.sleep(60)
        assert pool.meter.report().size == 0
        server.is_up = True
        await asyncio.sleep(60)
        assert pool.meter.report().size == 2
        await pool.aclose()

    run_virtually(run())


def test_upkeep_never_opens_more_than_the_most(run_virtually, server):
    """Connections that users are opening count for the minimum already."""
    limits = PoolLimits(min_size=3, max_size=3, connect_s=1.0, read_s=1.0, checkout_s=0.5)

    async def run():
        pool = server.pool(limits)
        server.connect_takes_s = 0.2
        await asyncio.gather(*(use(pool, 0.1) for _ in range(3)))
        await asyncio.sleep(1)
        assert server.opened == 3
        await pool.aclose()

    run_virtually(run())


def test_dropping_idle_connections_leaves_those_in_use(run_virtually, server):
    """After a restart of the server its idle connections go at once."""

    async def run():
        pool = server.pool()
        await asyncio.gather(use(pool, 0.1), use(pool, 0.1))
        async with pool.lease() as connection:
            await pool.drop_idle()
            assert server.closed == [3 - connection]
        await pool.aclose()

    run_virtually(run())


def test_a_closed_pool_takes_back_what_is_out_and_gives_nothing(run_virtually, server):
    """A lease that outlives the pool ends with its connection closed; there are no new ones."""

    async def run():
        pool = server.pool()
        async with pool.lease() as connection:
            await pool.aclose()
            assert server.closed == []
        assert server.closed == [connection]
        with pytest.raises(CheckoutTimeoutError, match="closed"):
            await use(pool, 0)

    run_virtually(run())


def test_its_bounds_are_reported(server):
    """The least that is kept open, where the pool keeps it, the most, and how many there are."""

    async def scenario():
        pool = server.pool(PoolLimits(min_size=3, max_size=7, connect_s=1.0, read_s=1.0, checkout_s=0.5))
        await pool.maintain()
        report = pool.meter.report()
        await pool.aclose()
        return report.min_size, report.max_size, report.size, report.idle

    assert asyncio.run(scenario()) == (3, 7, 3, 3)


def test_a_library_s_pool_has_no_least():
    """Places before somebody else's pool keep nothing open, and don't say that they do."""

    async def scenario():
        return Places(FEW).meter.report().min_size

    assert asyncio.run(scenario()) is None
