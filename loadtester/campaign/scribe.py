"""Writes a run's seconds while it goes on, a little at a time: no request waits until a whole second is on the disk."""

from __future__ import annotations

import asyncio
from collections import deque

from loadtester.errors import FmloadError
from loadtester.recorder import Interval
from loadtester.rundir import Writer


class Scribe:
    """Takes seconds from an engine and writes them with `writer`, in turns of the event loop; `aclose` ends it.

    A second that can't be written is told when the next one comes, or at the end.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: deque[tuple[Interval, bytes]] = deque()
        self._working: asyncio.Task[None] | None = None
        self._fault: FmloadError | None = None

    def take(self, interval: Interval, rows: bytes) -> None:
        """Write this second soon. Raises FmloadError where an earlier one could not be written."""
        self._check()
        self._waiting.append((interval, rows))
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def aclose(self) -> None:
        """Write what is left. Raises FmloadError where that can't be done."""
        if self._working is not None:
            await self._working
        self._check()

    async def _work(self) -> None:
        try:
            while self._waiting:
                for _ in self._writer.steps(*self._waiting.popleft()):
                    await asyncio.sleep(0)
        except FmloadError as fault:
            self._fault = fault
            self._waiting.clear()

    def _check(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
