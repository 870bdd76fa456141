"""One answer being decoded: its hold on the model's quota, its slot, and when each of its pieces is there."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from target_app.bedrock.log import Entry
from target_app.bedrock.models import Model
from target_app.bedrock.prompt_cache import PromptCache
from target_app.bedrock.quota import Quota
from target_app.behaviour import Pace, seeded, timetable_ns, until_ns


class Lane:
    """What the requests of one model share: its quota, its prompt cache, and its slots, given in order of asking.

    The event loop's thread owns its state.
    """

    def __init__(self, model: Model, quota: Quota, cache: PromptCache, slots: int) -> None:
        self.model = model
        self.quota = quota
        self.cache = cache
        self.slots = asyncio.Semaphore(slots)
        self.waiting = 0
        self.decoding = 0


class Decode:
    """The pieces of one answer by the time they are due, in ns of the monotonic clock."""

    def __init__(self, piece_tokens: Sequence[int], due_ns: Sequence[int]) -> None:
        self._piece_tokens = piece_tokens
        self._due_ns = list(due_ns)
        self._taken = 0
        #: The place where half of the pieces are taken, but at least one; no range given crosses it.
        self.midway = max(1, len(due_ns) // 2)

    async def next_pieces(self) -> range:
        """Wait for the next piece and give the places of all that are due by then; empty after the last."""
        if self._taken == len(self._due_ns):
            return range(0)
        start = self._taken
        await until_ns(self._due_ns[start])
        stop = self.midway if start < self.midway else len(self._due_ns)
        self._taken = bisect_right(self._due_ns, time.monotonic_ns(), lo=start + 1, hi=stop)
        return range(start, self._taken)

    async def stall(self, delay_s: float) -> None:
        """Let `delay_s` pass in which nothing is decoded: what is not yet taken comes that much later."""
        delay_ns = round(delay_s * 1e9)
        self._due_ns[self._taken :] = [due_ns + delay_ns for due_ns in self._due_ns[self._taken :]]
        await until_ns(time.monotonic_ns() + delay_ns)

    async def finish(self) -> None:
        """Wait for the last piece."""
        if self._due_ns:
            await until_ns(self._due_ns[-1])

    @property
    def decoded_tokens(self) -> int:
        """Tokens that are decoded by now."""
        return sum(self._piece_tokens[: bisect_right(self._due_ns, time.monotonic_ns())])


@asynccontextmanager
async def decoding(
    lane: Lane, entry: Entry, piece_tokens: Sequence[int], texts: Sequence[str], seed: int, time_scale: float
) -> AsyncIterator[Decode]:
    """Hold the quota (`entry.reserved`) and a slot of `lane` for an answer, and settle when it ends, however it does.

    Raises ThrottlingException where the quota is used up. Leaves the decoded tokens in `entry.output_tokens`.
    """
    reservation = lane.quota.reserve(entry.reserved or 0)
    decode: Decode | None = None
    try:
        async with _slot(lane):
            uncached_tokens = (entry.input_tokens or 0) + entry.cache_write_tokens
            decode = Decode(piece_tokens, _due_ns(lane, piece_tokens, uncached_tokens, texts, seed, time_scale))
            yield decode
    finally:
        entry.output_tokens = 0 if decode is None else decode.decoded_tokens
        charged = (entry.input_tokens or 0) + entry.cache_write_tokens + entry.output_tokens * lane.model.burndown
        lane.quota.settle(reservation, charged)


@asynccontextmanager
async def _slot(lane: Lane) -> AsyncIterator[None]:
    """Wait for a slot, and hold it."""
    lane.waiting += 1
    try:
        await lane.slots.acquire()
    finally:
        lane.waiting -= 1
    lane.decoding += 1
    try:
        yield
    finally:
        lane.decoding -= 1
        lane.slots.release()


def _due_ns(
    lane: Lane, piece_tokens: Sequence[int], input_tokens: int, texts: Sequence[str], seed: int, time_scale: float
) -> list[int]:
    """When each piece is due, by the monotonic clock, counted from now."""
    now_ns = time.monotonic_ns()
    pace: Pace = lane.model.pace
    rng = seeded(seed, "latency", lane.model.id, *texts)
    offsets_ns = timetable_ns(pace, piece_tokens, input_tokens, lane.decoding, rng, time_scale)
    return [now_ns + offset_ns for offset_ns in offsets_ns]
