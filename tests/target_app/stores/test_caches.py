"""What every cache promises, in the process and in a real Redis; and what Redis's failures become."""

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import aclosing

import pytest

from target_app.pools.limits import PoolLimits
from target_app.stores.errors import StoreError
from target_app.stores.memory_cache import MemoryCache
from target_app.stores.opening import open_cache
from target_app.stores.redis_cache import RedisCache

LIMIT_S = 20.0
SHORT = PoolLimits(min_size=1, max_size=2, connect_s=0.2, read_s=0.2, checkout_s=0.2)


class RedisServer:
    """Debian's redis-server on a socket of its own, with nothing kept on disk."""

    def __init__(self, directory):
        self._directory = directory
        self._socket = directory / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process = None

    def start(self, *options):
        command = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        command += ["--dir", str(self._directory), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_S
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._socket.unlink(missing_ok=True)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._socket))
            except OSError:
                return False
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith((b"+PONG", b"-NOAUTH"))


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(tmp_path):
    """A Redis of this test's own, that it may kill."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["memory", "redis"])
def with_cache(request):
    """Runs a coroutine function with an open cache, empty for the keys of this test."""
    url = request.getfixturevalue("shared_redis").url if request.param == "redis" else None

    def run(act):
        async def opened():
            async with aclosing(open_cache(url)) as cache:
                return await act(cache)

        return asyncio.run(opened())

    return run


def test_what_was_set_is_got_byte_by_byte(with_cache):
    """Any bytes under any key, apart from other keys; the last set counts."""

    async def act(cache):
        values = {
            "": b"",
            "a": bytes(range(256)),
            "日本 \r\n$-1 *": b"\r\n$3\r\n",
            "a:b": b"x" * 200_000,
            "\ud800": b"s",
        }
        for key, value in values.items():
            await cache.set(key, b"before", 60)
            await cache.set(key, value, 60)
        assert {key: await cache.get(key) for key in values} == values
        assert await cache.get("never") is None

    with_cache(act)


def test_what_was_deleted_is_gone(with_cache):
    """A deleted key has no value; deleting one that isn't there does no harm."""

    async def act(cache):
        await cache.set("gone", b"1", 60)
        await cache.delete("gone")
        await cache.delete("gone")
        assert await cache.get("gone") is None

    with_cache(act)


def test_a_value_without_time_is_not_kept(with_cache):
    """No time to live means none, also for what was there before."""

    async def act(cache):
        await cache.set("brief", b"1", 60)
        await cache.set("brief", b"2", 0)
        assert await cache.get("brief") is None

    with_cache(act)


def test_a_value_goes_when_its_time_is_over(with_cache):
    """A value with a short time is gone in the end; one with a long time is still there then."""

    async def act(cache):
        await cache.set("long", b"1", 600)
        await cache.set("short", b"1", 0.02)
        async with asyncio.timeout(LIMIT_S):
            while await cache.get("short") is not None:  # noqa: ASYNC110 - the clock that counts is Redis's
                await asyncio.sleep(0.005)
        assert await cache.get("long") == b"1"

    with_cache(act)


def test_many_at_once_each_get_their_own(with_cache):
    """However calls overlap, each gets what belongs to its key."""

    async def act(cache):
        await asyncio.gather(*(cache.set(f"k{n}", b"%d" % n, 60) for n in range(300)))
        values = await asyncio.gather(*(cache.get(f"k{n}") for n in range(300)))
        assert values == [b"%d" % n for n in range(300)]

    with_cache(act)


def test_a_cache_that_is_up_says_so(with_cache):
    """The check of a cache that can be reached passes."""
    with_cache(lambda cache: cache.check())


def test_the_cache_in_the_process_keeps_within_its_bytes():
    """Over the bound what was used longest ago goes first; what is larger than the whole is not kept."""

    async def act():
        cache = MemoryCache()
        await cache.set("a", b"x" * 1000, 60)
        one = cache.size_bytes
        cache = MemoryCache(max_bytes=3 * one)
        for key in "abc":
            await cache.set(key, b"x" * 1000, 60)
        await cache.get("a")
        await cache.set("d", b"x" * 1000, 60)
        assert [key for key in "abcd" if await cache.get(key)] == ["a", "c", "d"]
        assert cache.size_bytes == 3 * one
        await cache.set("a", b"x" * 4000, 60)
        assert [key for key in "abcd" if await cache.get(key)] == ["c", "d"]
        await cache.delete("c")
        await cache.delete("d")
        assert cache.size_bytes == 0

    asyncio.run(act())


def test_the_cache_in_the_process_forgets_at_the_time():
    """A value is there until its time is over, and what it took is free again."""
    now_s = 0.0

    async def act():
        nonlocal now_s
        cache = MemoryCache(clock=lambda: now_s)
        await cache.set("a", b"1", 10)
        now_s = 9.999
        assert await cache.get("a") == b"1"
        now_s = 10.0
        assert await cache.get("a") is None
        assert cache.size_bytes == 0

    asyncio.run(act())


def test_commands_of_one_moment_travel_together(shared_redis):
    """A hundred reads at once need ten pipelines, and the pool reports its connections."""

    async def act():
        async with aclosing(RedisCache(shared_redis.url)) as cache:
            await cache.check()
            before = cache.batches()
            await asyncio.gather(*(cache.get(f"t{n}") for n in range(100)))
            after = cache.batches()
            assert (after.batches - before.batches, after.items - before.items) == (10, 100)
            report = cache.pool()
            assert report.checkouts == after.batches
            assert 1 <= report.size <= report.max_size == 100

    asyncio.run(act())


def test_a_refused_command_fails_alone(shared_redis):
    """A key that holds something else than bytes fails its own reader, in words that don't quote it."""

    async def act():
        async with aclosing(RedisCache(shared_redis.url)) as cache:
            await cache._run("SADD", "mangaassist:a-set", "x")
            await cache.set("fine", b"1", 60)
            refused, fine = await asyncio.gather(cache.get("a-set"), cache.get("fine"), return_exceptions=True)
        assert fine == b"1"
        assert isinstance(refused, StoreError)
        assert refused.reason == "Redis refused a command (WRONGTYPE)"

    asyncio.run(act())


def test_a_redis_that_was_killed_is_an_error_until_it_is_back(redis):
    """Killed in the middle every caller gets StoreError; after a restart the same cache works, without any help."""

    async def act():
        async with aclosing(RedisCache(redis.url)) as cache:
            await asyncio.gather(*(cache.set(f"k{n}", b"1", 60) for n in range(50)))
            redis.kill()
            results = await asyncio.gather(*(cache.get(f"k{n}") for n in range(50)), return_exceptions=True)
            assert {type(result) for result in results} == {StoreError}
            assert {result.store for result in results} == {"cache"}
            with pytest.raises(StoreError, match="can't be reached"):
                await cache.check()
            redis.start()
            await cache.set("again", b"2", 60)
            assert await cache.get("again") == b"2"

    asyncio.run(act())


def test_a_restart_between_two_calls_is_not_noticed(redis):
    """Connections that died while idle are replaced before anybody is told."""

    async def act():
        async with aclosing(RedisCache(redis.url)) as cache:
            await asyncio.gather(*(cache.set(f"k{n}", b"1", 60) for n in range(50)))
            redis.kill()
            redis.start()
            assert await asyncio.gather(*(cache.get(f"k{n}") for n in range(50))) == [None] * 50

    asyncio.run(act())


def test_a_redis_that_is_not_there_is_an_error_at_once():
    """A port that nobody listens on is a StoreError, for every call and the check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets it
        url = f"redis://:hidden@127.0.0.1:{taken.getsockname()[1]}/0"

        async def act():
            async with aclosing(RedisCache(url)) as cache:
                for call in (cache.get("a"), cache.set("a", b"1", 1), cache.delete("a"), cache.check()):
                    with pytest.raises(StoreError) as raised:
                        await call
                    assert "hidden" not in str(raised.value)

        asyncio.run(act())


def test_a_redis_that_is_silent_ends_at_the_limit(tmp_path):
    """A server that takes the connection and never answers is given up within the limits, not waited for."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "silent.sock"))
        server.listen()

        async def act():
            async with aclosing(RedisCache(f"unix://{tmp_path / 'silent.sock'}", limits=SHORT)) as cache:
                async with asyncio.timeout(LIMIT_S):
                    with pytest.raises(StoreError, match="in time"):
                        await cache.get("a")

        asyncio.run(act())


def test_a_full_pool_ends_at_the_limit(redis):
    """Commands that find no free connection in time fail with StoreError, and the pool counts it."""

    async def act():
        limits = PoolLimits(min_size=1, max_size=1, connect_s=5.0, read_s=5.0, checkout_s=0.01)
        async with aclosing(RedisCache(redis.url, limits=limits)) as cache:
            async with cache._pool.lease():
                with pytest.raises(StoreError, match=r"all 1 connections were busy for 0\.01 s"):
                    await cache.get("a")
            assert cache.pool().timeouts == 1
            assert await cache.get("a") is None

    asyncio.run(act())


def test_a_wrong_password_is_an_error_that_keeps_it_secret(redis):
    """Credentials show in no message."""
    redis.kill()
    redis.start("--requirepass", "right-one")

    async def act():
        async with aclosing(RedisCache(f"{redis.url}?password=wrong-one")) as cache:
            with pytest.raises(StoreError) as raised:
                await cache.check()
            assert "wrong-one" not in str(raised.value)
        async with aclosing(RedisCache(f"{redis.url}?password=right-one")) as cache:
            await cache.check()

    asyncio.run(act())
