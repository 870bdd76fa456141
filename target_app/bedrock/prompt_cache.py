"""Prompt caching: the beginnings of prompts that a model has read up to a cache point, for five minutes after each use.

The service asks for at least 1,024 tokens before a point and keeps to that for most models; here it is so for all. The
cache is per model; Claude 3, which has none on the service, has one here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from target_app.bedrock import tokens

_LIFE_NS: Final = 300_000_000_000
_MIN_TOKENS: Final = 1_024
_N_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How a prompt's input tokens split: read from the cache, written to it, neither. `keys` name what is cached."""

    read_tokens: int = 0
    write_tokens: int = 0
    uncached_tokens: int = 0
    keys: tuple[bytes, ...] = ()


class PromptCache:
    """What one model has cached. The event loop's thread owns its state."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._until_ns: OrderedDict[bytes, int] = OrderedDict()

    def look_up(self, texts: Sequence[str], cache_points: Sequence[int], input_tokens: int) -> Reading:
        """Split `input_tokens`; a cache point is the number of `texts` before it, in rising order. Changes nothing."""
        if not cache_points:
            return Reading(uncached_tokens=input_tokens)
        now_ns = self._clock_ns()
        read = cached = 0
        keys = []
        for n_tokens, key in _beginnings(texts, cache_points):
            if n_tokens >= _MIN_TOKENS:
                cached = n_tokens
                keys.append(key)
                read = n_tokens if self._until_ns.get(key, now_ns) > now_ns else read
        return Reading(read, cached - read, input_tokens - cached, tuple(keys))

    def keep(self, reading: Reading) -> None:
        """Cache what was read and written, for five minutes from now."""
        for key in reading.keys:
            self._until_ns[key] = self._clock_ns() + _LIFE_NS
            self._until_ns.move_to_end(key)
        while len(self._until_ns) > _N_KEPT:
            self._until_ns.popitem(last=False)


def _beginnings(texts: Sequence[str], cache_points: Sequence[int]) -> list[tuple[int, bytes]]:
    """Tokens and digest of what stands before each cache point."""
    digest, n_tokens, start = hashlib.blake2b(digest_size=16), 0, 0
    found = []
    for point in cache_points:
        for text in texts[start:point]:
            digest.update(b"%d:" % len(text) + text.encode("utf-8", "surrogatepass"))
            n_tokens += tokens.count(text)
        start = point
        found.append((n_tokens, digest.digest()))
    return found
