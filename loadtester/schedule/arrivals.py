"""The plan of a run: when each request is due, and to which conversation it belongs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Due times of a run, one row per planned request, sorted by time.

    All arrays have shape (n,): `id` the place in the whole plan (0..n-1 before sharding), `due_ns` from the
    run's start, `session` the conversation's number, `turn` its turn from 1. Token arrays come from a trace.
    """

    id: NDArray[np.int64]
    due_ns: NDArray[np.int64]
    session: NDArray[np.int64]
    turn: NDArray[np.int32]
    duration_s: float
    input_tokens: NDArray[np.int64] | None = None
    output_tokens: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.due_ns)

    def shard(self, index: int, count: int) -> Arrivals:
        """Rows of shard `index` of `count`: all turns of the conversations numbered `index` modulo `count`.

        Where every request is its own conversation this is every count-th arrival; the shards partition the plan.
        """
        return self._of(self.session % count == index)

    def first(self, count: int) -> Arrivals:
        """The first `count` requests of the whole plan, as far as they are here."""
        return self._of(self.id < count)

    def _of(self, mine: NDArray[np.bool_]) -> Arrivals:
        def pick(column: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
            return None if column is None else column[mine]

        return Arrivals(
            id=self.id[mine],
            due_ns=self.due_ns[mine],
            session=self.session[mine],
            turn=self.turn[mine],
            duration_s=self.duration_s,
            input_tokens=pick(self.input_tokens),
            output_tokens=pick(self.output_tokens),
        )
