"""Many small calls made one: items are collected for a moment, sent together, and each caller gets its own result."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Unprocessed(Enum):
    """The type of `UNPROCESSED`, in the form that type checkers can tell apart from a result."""

    ITEM = "unprocessed"


#: What a flush returns in the place of a result that the store did not get round to: the item is sent again.
UNPROCESSED: Final = Unprocessed.ITEM


class BatchError(Exception):
    """What a caller gets whose item stayed unprocessed through every attempt, or came after the end."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What a batcher has done: calls of its flush (`batches`), items handed in, and sent, `retried` of them again."""

    batches: int
    items: int
    sent: int
    retried: int
    pending: int

    @property
    def mean_size(self) -> float | None:
        """Items a call; None before the first."""
        return self.sent / self.batches if self.batches else None

    @property
    def calls_saved(self) -> int:
        """Calls that one item a call would have needed more: what was sent again would have been, too."""
        return self.sent - self.batches

    def merge(self, other: BatchCounts) -> BatchCounts:
        """Both together; they are those of two batchers."""
        return BatchCounts(
            self.batches + other.batches,
            self.items + other.items,
            self.sent + other.sent,
            self.retried + other.retried,
            self.pending + other.pending,
        )

    def shown(self) -> dict[str, float | None]:
        """The counts and what follows from them, by name."""
        return {**asdict(self), "mean_size": self.mean_size, "calls_saved": self.calls_saved}


class Batcher(Generic[T, R]):
    """Collects up to `size` items, or waits up to `max_wait_s`, and sends them by one call of `flush`.

    `flush` gives one result an item, in their order. A result that is an exception is raised to its caller alone; an
    exception that `flush` raises, to each caller of the batch; an item whose result is `UNPROCESSED` is sent again,
    after `backoff_s` and then after twice as long each time, `attempts` times in all. A caller that is cancelled takes
    its item out of batches that are not on their way yet, and nothing else.

    `is_prompt` sends what there is as soon as no batch is under way, so that a lone caller never waits; `max_wait_s`
    is then the longest that a slow batch holds up the next.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception | Unprocessed]]],
        *,
        size: int,
        max_wait_s: float = 0.05,
        is_prompt: bool = False,
        attempts: int = 8,
        backoff_s: float = 0.05,
    ) -> None:
        self._flush = flush
        self._size = size
        self._max_wait_s = max_wait_s
        self._is_prompt = is_prompt
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._timer: asyncio.Handle | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._n_pending = self._n_batches = self._n_items = self._n_sent = self._n_retried = 0

    async def submit(self, item: T) -> R:
        """The result of `item`. Raises what its batch failed with, or BatchError."""
        if self._is_closed:
            raise BatchError("the batcher is closed")
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, result))
        self._n_items += 1
        self._n_pending += 1
        if len(self._waiting) >= self._size:
            self._send()
        elif self._timer is None:
            # One turn of the loop even for a prompt batch: callers that the same turn woke travel together.
            is_idle = self._is_prompt and not self._under_way
            self._timer = loop.call_soon(self._send) if is_idle else loop.call_later(self._max_wait_s, self._send)
        try:
            return await result
        finally:
            self._n_pending -= 1

    def counts(self) -> BatchCounts:
        """What it has done so far; `pending` callers are still waiting."""
        return BatchCounts(self._n_batches, self._n_items, self._n_sent, self._n_retried, self._n_pending)

    async def aclose(self) -> None:
        """Send what is waiting, and see every batch to its end. Nothing more is taken."""
        self._is_closed = True
        self._send()
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _send(self) -> None:
        """Put what waits under way, `size` at a time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            task = asyncio.get_running_loop().create_task(self._see_through(batch))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._is_prompt and not self._under_way:
            self._send()

    async def _see_through(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        """Send a batch until each of its items has a result or a reason."""
        try:
            for attempt in range(self._attempts):
                if attempt:
                    await asyncio.sleep(self._backoff_s * 2 ** (attempt - 1))
                batch = [(item, result) for item, result in batch if not result.done()]
                self._n_retried += len(batch) if attempt else 0
                batch = await self._attempt(batch) if batch else []
                if not batch:
                    return
            _fail(batch, BatchError(f"still unprocessed after {self._attempts} attempts"))
        except asyncio.CancelledError:
            # The loop is ending: whoever still waits for this batch must not wait for ever.
            for _, result in batch:
                result.cancel()
            raise

    async def _attempt(self, batch: list[tuple[T, asyncio.Future[R]]]) -> list[tuple[T, asyncio.Future[R]]]:
        """One call; what of the batch has to be sent again."""
        self._n_batches += 1
        self._n_sent += len(batch)
        try:
            results = await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever the call failed with belongs to its callers, who raise it
            _fail(batch, error)
            return []
        if len(results) != len(batch):
            _fail(batch, BatchError(f"{len(results)} results for {len(batch)} items"))
            return []
        again = []
        for (item, future), result in zip(batch, results, strict=True):
            if result is UNPROCESSED:
                again.append((item, future))
            elif future.done():
                continue
            elif isinstance(result, Exception):
                _fail([(item, future)], result)
            else:
                future.set_result(result)
        return again


def _fail(batch: Sequence[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
    for _, result in batch:
        if not result.done():
            result.set_exception(error)
            # Seen to: a caller that is cancelled in this very moment takes no result, and that is nothing to log.
            result.exception()
