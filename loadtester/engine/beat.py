"""The second's beat of a run, and a measure of how punctual its event loop is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

#: How often the loop's punctuality is looked at, in seconds.
_BEAT_S: Final = 0.1
_BEATS_A_SECOND: Final = 10


async def beat(clock: Callable[[], int], flush: Callable[[float], None]) -> None:
    """Call `flush` once a second of the `clock` (ns), without end; it gets the second's stall.

    That is the longest time, in seconds, that the loop came late to a beat.
    """
    beats, stall_s, awake_s = 0, 0.0, 0.0
    while True:
        beats += 1
        due_s = beats * _BEAT_S
        await asyncio.sleep(max(0.0, due_s - clock() / 1e9))
        now_s = clock() / 1e9
        # After a long stall beats are made up for at once: they were late for the same stall, which counts once.
        stall_s = max(stall_s, now_s - max(due_s, awake_s))
        awake_s = now_s
        if beats % _BEATS_A_SECOND == 0:
            flush(stall_s)
            stall_s = 0.0
