"""Calls back at each of a sorted list of due times, as close to them as the machine allows.

One timer for all of them. On Linux that is a timerfd, because asyncio's own timers round up to a millisecond and
uvloop's may fire early; elsewhere the loop's timer.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable, Sequence

#: Launches in one turn of the loop when behind; more would keep answers waiting to be read.
BATCH = 64

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class Pacer:
    """Calls `launch(row)` for each row when `due_ns[row]` has come, in order, never early.

    `due_ns` is relative to `zero_ns` on time.perf_counter_ns. When behind it launches at once, a batch a turn of the
    loop. Owns its timer until `stop`, or until the last row, when it sets `finished`.
    """

    def __init__(self, due_ns: Sequence[int], launch: Callable[[int], None], zero_ns: int) -> None:
        self._due_ns = due_ns
        self._launch = launch
        self._zero_ns = zero_ns
        self._loop = asyncio.get_running_loop()
        self._alarm: _TimerFd | _LoopTimer = (
            _TimerFd(self._loop, self._fire) if sys.platform == "linux" else _LoopTimer(self._loop, self._fire)
        )
        self.next_row = 0
        self.finished = asyncio.Event()

    def start(self) -> None:
        """Begin; rows already due are launched in this turn of the loop. Once stopped, it stays stopped."""
        if not self.finished.is_set():
            self._fire()

    def stop(self) -> None:
        """Launch nothing more; `next_row` says what was not launched."""
        if not self.finished.is_set():
            self.finished.set()
            self._alarm.close()

    def _fire(self) -> None:
        due_ns, row, end = self._due_ns, self.next_row, len(self._due_ns)
        limit = min(end, row + BATCH)
        now_ns = time.perf_counter_ns() - self._zero_ns
        while row < limit and due_ns[row] <= now_ns:
            self.next_row = row + 1
            self._launch(row)
            if self.finished.is_set():
                return
            row += 1
        if row == end:
            self.stop()
        else:
            self._alarm.set(max(0, due_ns[row] - (time.perf_counter_ns() - self._zero_ns)))


class _TimerFd:
    """A kernel timer that wakes the loop through a file descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._fd = _timerfd_create()
        loop.add_reader(self._fd, self._wake)

    def set(self, delay_ns: int) -> None:
        # A zero would disarm the timer.
        _timerfd_settime(self._fd, max(1, delay_ns))

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _wake(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # set anew since it went off
        self._callback()


class _LoopTimer:
    """The loop's own timer, for platforms without timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def set(self, delay_ns: int) -> None:
        self._handle = self._loop.call_later(delay_ns / 1e9, self._callback)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


if sys.version_info >= (3, 13) and sys.platform == "linux":

    def _timerfd_create() -> int:
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _timerfd_settime(fd: int, delay_ns: int) -> None:
        os.timerfd_settime_ns(fd, initial=delay_ns)

else:

    class _Timespec(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    class _Itimerspec(ctypes.Structure):
        _fields_ = (("interval", _Timespec), ("value", _Timespec))

    _libc = ctypes.CDLL(None, use_errno=True)

    def _timerfd_create() -> int:
        fd = int(_libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC))
        if fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return fd

    def _timerfd_settime(fd: int, delay_ns: int) -> None:
        seconds, nanoseconds = divmod(delay_ns, 1_000_000_000)
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
        if _libc.timerfd_settime(fd, 0, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
