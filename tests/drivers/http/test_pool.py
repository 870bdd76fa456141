"""The pool: the last connection first, a limit that nobody slips past, and a line that nobody is forgotten in."""

import asyncio

import pytest

from loadtester.drivers.http import HttpClient, HttpError, post_head

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = post_head("h", "/", {}, accept="*/*")


def test_last_in_first_out(run, script, fake_probe):
    """The connection that was used last is used first; the others can go idle and be closed by the server."""

    async def work():
        async with script.Server([script.HANG]) as server:
            pool = HttpClient("127.0.0.1", server.port).pool
            first, second = [await pool.open(fake_probe()) for _ in range(2)]
            pool.on_idle(first)
            pool.on_idle(second)
            assert [pool.take(), pool.take(), pool.take()] == [second, first, None]
            await pool.aclose()

    run(work())


@pytest.mark.parametrize("limit", [1, 3])
def test_limit(run, script, recorder, fake_probe, limit):
    """With a limit there are never more connections; who has to wait is counted, and everyone gets an answer."""

    async def work():
        async with script.Server([script.READ, OK] * 30) as server:
            client = HttpClient("127.0.0.1", server.port, max_connections=limit)
            sinks = [recorder() for _ in range(10)]
            await asyncio.gather(*(client.post(HEAD, b"{}", sink, fake_probe()) for sink in sinks))
            assert [sink.body for sink in sinks] == [b"ok"] * 10
            assert server.connections == len(client.pool) == limit
            assert client.pool.blocked == 10 - limit
            await client.aclose()

    run(work())


def test_no_limit(run, script, recorder, fake_probe):
    """Without a limit nobody waits for anybody."""

    async def work():
        async with script.Server([script.READ, OK]) as server:
            client = HttpClient("127.0.0.1", server.port)
            await asyncio.gather(*(client.post(HEAD, b"{}", recorder(), fake_probe()) for _ in range(10)))
            assert server.connections == 10
            assert client.pool.blocked == 0
            await client.aclose()

    run(work())


def test_limit_with_dying_connections(run, script, recorder, fake_probe):
    """A connection that is not kept makes room for the first in line."""

    async def work():
        last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
        async with script.Server([script.READ, last]) as server:
            client = HttpClient("127.0.0.1", server.port, max_connections=2)
            sinks = [recorder() for _ in range(7)]
            await asyncio.gather(*(client.post(HEAD, b"{}", sink, fake_probe()) for sink in sinks))
            assert [sink.body for sink in sinks] == [b"ok"] * 7
            assert server.connections == 7
            await client.aclose()

    run(work())


def test_limit_with_refusals(run, script, recorder, fake_probe):
    """Who waits for a connection that can't be opened is told so too, instead of waiting for ever."""

    async def work():
        async with script.Server([]) as server:
            pass
        client = HttpClient("127.0.0.1", server.port, max_connections=1)
        tries = (client.post(HEAD, b"{}", recorder(), fake_probe()) for _ in range(5))
        assert all(isinstance(end, HttpError) for end in await asyncio.gather(*tries, return_exceptions=True))
        assert len(client.pool) == 0

    run(work())


def test_cancelled_in_line(run, script, recorder, fake_probe):
    """Whoever is cancelled while waiting, or just as the turn came, takes no place with them."""

    async def work():
        async with script.Server([script.READ, OK] * 200) as server:
            client = HttpClient("127.0.0.1", server.port, max_connections=1)
            for n_turns in range(40):
                first, second, third = (
                    asyncio.create_task(client.post(HEAD, b"{}", recorder(), fake_probe())) for _ in range(3)
                )
                # Every few turns of the loop, so that some are before the answer, some after, some in between.
                for _ in range(n_turns):
                    await asyncio.sleep(0)
                second.cancel()
                await asyncio.gather(first, second, return_exceptions=True)
                await third
                assert len(client.pool) == 1
                assert client.pool._opening == 0
            await client.aclose()

    run(work())


def test_closed_while_handed_over(run, script, fake_probe):
    """A connection that dies between being handed over and being used is replaced by a new one."""

    async def work():
        async with script.Server([script.HANG]) as server:
            pool = HttpClient("127.0.0.1", server.port, max_connections=1).pool
            held = await pool.open(fake_probe())
            waiting = asyncio.create_task(pool.acquire(fake_probe()))
            await asyncio.sleep(0)
            pool.on_idle(held)
            held.data_received(b"unasked")
            given = await waiting
            assert given is not held
            assert given.is_open
            await pool.aclose()
            assert len(pool) == 0

    run(work())
