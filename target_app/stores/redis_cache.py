"""The cache in Redis: few connections, and commands that travel together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Connection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from target_app.batching import BatchCounts, Batcher, BatchError
from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.meter import PoolReport
from target_app.pools.places import CheckoutTimeoutError
from target_app.pools.pool import Pool
from target_app.stores.errors import StoreError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

_Command = tuple[str | bytes | int, ...]

#: Commands a pipeline.
_PIPELINE: Final = 10
#: The longest that a command waits for others while a pipeline is under way; it waits for none where there is none.
#: A read of Redis takes some tenths of a millisecond, so a batch's usual 50 ms would cost more than the cache saves.
_MAX_WAIT_S: Final = 0.002


class RedisCache:
    """Keeps bytes in the Redis at `url` (redis://, rediss://, unix://), each key behind `prefix`.

    Owns the connections. Commands are sent in pipelines of up to ten. A connection that turns out to be dead is
    replaced and its pipeline sent once more, as each of the commands may run twice.
    """

    def __init__(self, url: str, *, limits: PoolLimits = LIMITS["redis"], prefix: str = "mangaassist:") -> None:
        try:
            settings: dict[str, Any] = dict(parse_url(url))
        except ValueError:
            raise StoreError("cache", "its URL is malformed") from None
        self._kind: type[AbstractConnection] = settings.pop("connection_class", Connection)
        # The limits and the one repetition are ours, so redis-py's own are switched off.
        self._settings = settings | {
            "socket_timeout": None,
            "socket_connect_timeout": None,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        self._limits = limits
        self._prefix = prefix
        self._pool: Pool[AbstractConnection] = Pool(self._connect, close=_close, check=self._ping, limits=limits)
        self._pipelines: Batcher[_Command, bytes | int | None] = Batcher(
            self._pipeline, size=_PIPELINE, max_wait_s=_MAX_WAIT_S, is_prompt=True
        )

    async def get(self, key: str) -> bytes | None:
        """What is kept under `key`, if its time isn't over."""
        value = await self._run("GET", self._key(key))
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value`, to the millisecond; one whose time is over at once is not kept."""
        if ttl_s > 0:
            await self._run("SET", self._key(key), value, "PX", max(1, round(ttl_s * 1000)))
        else:
            await self.delete(key)

    async def delete(self, key: str) -> None:
        """Forget what is kept under `key`."""
        await self._run("DEL", self._key(key))

    async def check(self) -> None:
        """Prove by PING that Redis answers."""
        await self._run("PING")

    async def aclose(self) -> None:
        """Send what is waiting, then close the connections."""
        await self._pipelines.aclose()
        await self._pool.aclose()

    def pool(self) -> PoolReport:
        """What the connections did."""
        return self._pool.meter.report()

    def batches(self) -> BatchCounts:
        """How commands travelled."""
        return self._pipelines.counts()

    def _key(self, key: str) -> bytes:
        return (self._prefix + key).encode("utf-8", "surrogatepass")

    async def _run(self, *command: str | bytes | int) -> bytes | int | None:
        with _mapped():
            return await self._pipelines.submit(command)

    async def _pipeline(self, commands: Sequence[_Command]) -> list[bytes | int | Exception | None]:
        try:
            return await self._exchange(commands)
        except RedisConnectionError:
            await self._pool.drop_idle()
            return await self._exchange(commands)

    async def _exchange(self, commands: Sequence[_Command]) -> list[bytes | int | Exception | None]:
        async with self._pool.lease() as connection, asyncio.timeout(self._limits.read_s):
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await _answer(connection) for _ in commands]

    async def _connect(self) -> AbstractConnection:
        connection = self._kind(**self._settings)
        try:
            await connection.connect()  # type: ignore[no-untyped-call] # redis-py leaves this one untyped
        except BaseException:
            await _close(connection)
            raise
        return connection

    async def _ping(self, connection: AbstractConnection) -> None:
        await connection.send_command("PING", check_health=False)
        await connection.read_response(disable_decoding=True)


async def _answer(connection: AbstractConnection) -> bytes | int | Exception | None:
    """One answer; what Redis refused is the answer to its command alone."""
    try:
        answer: bytes | int | None = await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error
    return answer


async def _close(connection: AbstractConnection) -> None:
    await connection.disconnect(nowait=True)


@contextmanager
def _mapped() -> Iterator[None]:
    """Redis's failures as StoreError, in words of our own: Redis's may quote keys."""
    try:
        yield
    except (CheckoutTimeoutError, BatchError) as error:
        raise StoreError("cache", str(error)) from error
    except TimeoutError as error:
        raise StoreError("cache", "Redis did not answer in time") from error
    except ResponseError as error:
        code = str(error).partition(" ")[0]
        raise StoreError("cache", f"Redis refused a command ({code})") from error
    except (RedisError, OSError) as error:
        raise StoreError("cache", f"Redis can't be reached ({type(error).__name__})") from error
