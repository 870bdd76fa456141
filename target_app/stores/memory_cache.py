"""The cache inside the process."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_BYTES: Final = 64 * 2**20


class MemoryCache:
    """Keeps up to `max_bytes` of keys and values; over that, what was used longest ago goes first."""

    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # each with when its time is over
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """What the keys and values take in memory."""
        return self._size_bytes

    async def get(self, key: str) -> bytes | None:
        """What is kept under `key`, if its time isn't over."""
        value, until_s = self._kept.get(key, (None, 0.0))
        if value is None:
            return None
        if self._clock() >= until_s:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value`; one that is larger than the whole cache, or whose time is over at once, is not kept."""
        self._forget(key)
        if ttl_s <= 0 or _bytes(key, value) > self._max_bytes:
            return
        self._kept[key] = (value, self._clock() + ttl_s)
        self._size_bytes += _bytes(key, value)
        while self._size_bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    async def delete(self, key: str) -> None:
        """Forget what is kept under `key`."""
        self._forget(key)

    async def check(self) -> None:
        """This process's memory can always be reached."""

    async def aclose(self) -> None:
        """There is no connection."""

    def _forget(self, key: str) -> None:
        value, _ = self._kept.pop(key, (None, 0.0))
        if value is not None:
            self._size_bytes -= _bytes(key, value)


def _bytes(key: str, value: bytes) -> int:
    return sys.getsizeof(key) + sys.getsizeof(value)
