"""The time limit of requests in flight, with one timer for all of them.

asyncio.timeout takes a timer and 5 µs a request. All requests have the same limit, so they reach it in the order in
which they began, and a dict in that order does.
"""

from __future__ import annotations

import asyncio
from typing import Final

#: What a task that is cancelled for its time hears; one that is cut short by the run's end hears nothing.
TIME_IS_UP: Final = "time is up"

Task = asyncio.Task[None]


class Deadlines:
    """Cancels each task that is still between its `begin` and its `end` after `limit_s`; owns its one timer.

    The timer is set only while there is anything to wait for.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._due_s: dict[Task, float] = {}
        self._over: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Task:
        """The running task's time begins; gives the task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  for mypy: the engine calls it in a task
        loop = asyncio.get_running_loop()
        self._due_s[task] = loop.time() + self.limit_s
        if self._timer is None:
            self._timer = loop.call_later(self.limit_s, self._check)
        return task

    def is_over(self, task: Task) -> bool:
        """Whether its being cancelled means that its time is up, and nothing else; it is then cancelled no more."""
        return task in self._over and task.uncancel() == 0

    def end(self, task: Task) -> None:
        """It no longer runs against the limit."""
        self._due_s.pop(task, None)
        self._over.discard(task)

    def close(self) -> None:
        """Wait for nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        late: list[Task] = []
        self._timer = None
        for task, due_s in self._due_s.items():
            if due_s > loop.time():
                self._timer = loop.call_at(due_s, self._check)
                break
            late.append(task)
        for task in late:
            del self._due_s[task]
            self._over.add(task)
            task.cancel(TIME_IS_UP)
