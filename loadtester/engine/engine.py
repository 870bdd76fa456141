"""One process's share of a run: launch each request when it is due, cap, drain, and flush once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtester.drivers import LEAD_S, Driver
from loadtester.engine.beat import beat
from loadtester.engine.collector import quiet_collector
from loadtester.engine.deadlines import Deadlines
from loadtester.engine.exchange import STOPPED, exchange
from loadtester.engine.guard import Books, Guard
from loadtester.engine.pacer import Pacer
from loadtester.model import Ending, Outcome
from loadtester.recorder import Interval, Recorder
from loadtester.schedule import Arrivals
from loadtester.workload import Workload

Sink = Callable[[Interval, bytes], None]

_DROPPED = Ending(Outcome.DROPPED, detail="the in-flight cap was reached")

_LEAD_NS = round(LEAD_S * 1e9)
#: Connections that are opened at once before the run: a service's or a proxy's backlog may not take more.
_OPEN_AT_ONCE = 64

#: How many of a stopped run's unsent requests are written off in one turn of the loop.
_WRITE_OFF_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a run: requests at once, seconds an answer may take, seconds a stopped run may drain.

    `max_per_s` holds users back; a plan keeps to it by itself.
    """

    max_in_flight: int
    timeout_s: float
    graceful_stop_s: float
    max_per_s: float | None = None


class Engine:
    """Drives one shard of a plan at one driver; every planned row ends in exactly one `recorder.add*`.

    The open model: a request is launched when it is due whatever the target does; at the in-flight cap it is dropped
    and counted. A conversation's next turn waits for the answer to the one before, and is marked as held if that made
    it late. `sink` gets one Interval a second and the last one at the end.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        workload: Workload,
        driver: Driver,
        recorder: Recorder,
        limits: Limits,
        sink: Sink,
        *,
        guard: Guard | None = None,
    ) -> None:
        self._arrivals = arrivals
        self._workload = workload
        self._driver = driver
        self._recorder = recorder
        self._limits = limits
        self._sink = sink
        self._guard = guard
        self._sender = driver if guard is None else guard
        #: The plan's own array: a view gives ints without a list of them all.
        self._due_ns = arrivals.due_ns.data
        self._tail: dict[int, asyncio.Task[None]] = {}
        self._in_flight: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._unstarted: set[int] = set()
        self._deadlines = Deadlines(limits.timeout_s)
        self._pacer: Pacer | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._all_landed: asyncio.Future[None] | None = None
        self._zero_ns = 0
        self._written_off = 0
        self._sent = 0
        self._flushed = (0, 0, 0, 0)
        #: Due times are sorted: the warm-up's are the first.
        self._n_warm = int(np.searchsorted(arrivals.due_ns, recorder.warm_ns))
        self._warm_sent = 0
        self._second = 0
        self._failure: BaseException | None = None
        self.lost: list[int] = []
        self.is_stopped = False
        self.stopped_s: float | None = None
        self.elapsed_s = 0.0

    def books(self) -> Books:
        """Whether the run met one of its bounds, and what of its budget is spent."""
        return Books() if self._guard is None else self._guard.books()

    async def open(self) -> None:
        """Prove that the target is there, and open the connections that the first second needs.

        Raises FmloadError, code 113, where the target can't be reached or refuses the credentials.
        """
        await self._driver.check()
        rows = self._openings(self._arrivals.due_ns < _LEAD_NS)
        for start in range(0, len(rows), _OPEN_AT_ONCE):
            batch = rows[start : start + _OPEN_AT_ONCE].tolist()
            await asyncio.gather(*(self._driver.prepare(self._workload.request(row)) for row in batch))

    async def run(self, zero_ns: int) -> None:
        """Run the plan, its time 0 at `zero_ns` on time.perf_counter_ns; returns when every row has its outcome.

        Raises what a driver or the sink raised.
        """
        self._zero_ns = zero_ns
        with quiet_collector():
            await self._run()

    async def _run(self) -> None:
        self._pacer = Pacer(self._due_ns, self._launch, self._zero_ns)
        openings = self._pace_openings()
        beating = self._chore(beat(self._clock, self._flush))
        if self.is_stopped:
            self._pacer.stop()
        self._pacer.start()
        await self._pacer.finished.wait()
        openings.stop()
        if self._in_flight:
            # asyncio.wait would hold the loop up while it tells each of thousands of tasks that it waits for it.
            self._all_landed = asyncio.get_running_loop().create_future()
            await self._all_landed
        for row in self._unstarted:  # an abort cancelled them before their first step
            self._leave_out(row, STOPPED)
        self.elapsed_s = self._clock() / 1e9
        await self._write_off(self._pacer.next_row)
        beating.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._deadlines.close()
        if self._deadline is not None:
            self._deadline.cancel()
        try:
            self._flush(stall_s=0.0)
        except Exception:
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Send nothing more; what is in flight may finish within `graceful_stop_s`."""
        if self.is_stopped:
            return
        self.is_stopped = True
        self.stopped_s = self._clock() / 1e9
        self._deadline = asyncio.get_running_loop().call_later(self._limits.graceful_stop_s, self.abort)
        if self._guard is not None:
            self._guard.stop()
        if self._pacer is not None:
            self._pacer.stop()

    def abort(self) -> None:
        """Stop now: what is in flight is cancelled."""
        self.stop()
        for task in self._in_flight:
            task.cancel()

    def _clock(self) -> int:
        return time.perf_counter_ns() - self._zero_ns

    def _pace_openings(self) -> Pacer:
        rows = self._openings(self._arrivals.due_ns >= _LEAD_NS)
        due_ns = (self._arrivals.due_ns[rows] - _LEAD_NS).data
        pacer = Pacer(due_ns, lambda index: self._prepare(rows.item(index)), self._zero_ns)
        pacer.start()
        return pacer

    def _openings(self, those: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows, of `those`, whose conversations have connections that are to be opened ahead."""
        is_first = (self._arrivals.turn == 1) & those & self._driver.opens_ahead
        return np.flatnonzero(is_first)

    def _prepare(self, row: int) -> None:
        self._chore(self._driver.prepare(self._workload.request(row)))

    def _launch(self, row: int) -> None:
        if len(self._in_flight) >= self._limits.max_in_flight:
            self._leave_out(row, _DROPPED)
            if self._workload.is_last_turn(row):
                self._chore(self._finish(row, self._tail.pop(int(self._arrivals.session[row]), None)))
            return
        session = int(self._arrivals.session[row])
        task = asyncio.get_running_loop().create_task(self._converse(row, self._tail.get(session)))
        self._unstarted.add(row)
        self._in_flight.add(task)
        task.add_done_callback(self._land)
        if self._workload.is_last_turn(row):
            self._tail.pop(session, None)
        else:
            self._tail[session] = task

    async def _converse(self, row: int, before: asyncio.Task[None] | None) -> None:
        """Send one row's request, after the turn before it, and record what became of it."""
        self._unstarted.discard(row)
        request = self._workload.request(row)
        probe = self._recorder.probe(self._clock, self._due_ns[row])
        if before is not None and not before.done():
            probe.is_held = True
            try:
                await asyncio.wait([before])
            except asyncio.CancelledError:
                self._leave_out(row, STOPPED)
                raise
        if self._guard is not None and not self._guard.admits(request):
            self._leave_out(row, STOPPED)
            self.stop()
            return
        self._sent += 1
        self._warm_sent += row < self._n_warm
        probe.launched()
        await exchange(request, probe, self._sender, self._recorder, self._deadlines)
        if self._workload.is_last_turn(row):
            await self._driver.finish(request)

    async def _finish(self, row: int, before: asyncio.Task[None] | None) -> None:
        """Let go of the conversation of a row that was dropped, once the turn before it has ended."""
        if before is not None and not before.done():
            await asyncio.wait([before])
        await self._driver.finish(self._workload.request(row))

    def _leave_out(self, row: int, ending: Ending) -> None:
        self._recorder.add_unsent(self._workload.request(row), self._due_ns[row], ending)

    async def _write_off(self, first_row: int) -> None:
        """Give every row that a stopped run never launched its outcome."""
        for row in range(first_row, len(self._due_ns)):
            self._leave_out(row, STOPPED)
            self._written_off += 1
            if row % _WRITE_OFF_BATCH == 0:
                await asyncio.sleep(0)

    def _chore(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._end_chore)
        return task

    def _land(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._look_at(task)
        if self._all_landed is not None and not self._in_flight:
            self._all_landed.set_result(None)
            self._all_landed = None

    def _end_chore(self, task: asyncio.Task[None]) -> None:
        self._chores.discard(task)
        self._look_at(task)

    def _look_at(self, task: asyncio.Task[None]) -> None:
        """A task that failed ends the run; the first failure is the one that is raised."""
        if not task.cancelled() and task.exception() is not None and self._failure is None:
            self._failure = task.exception()
            self.abort()

    def _flush(self, stall_s: float) -> None:
        planned = (self._pacer.next_row if self._pacer is not None else 0) + self._written_off
        now = (planned, self._sent, min(planned, self._n_warm), self._warm_sent)
        new_planned, new_sent, warm_planned, warm_sent = (
            new - old for new, old in zip(now, self._flushed, strict=True)
        )
        interval, rows = self._recorder.flush(
            self._second,
            planned=new_planned,
            sent=new_sent,
            in_flight=len(self._in_flight),
            stall_s=stall_s,
            warm_planned=warm_planned,
            warm_sent=warm_sent,
        )
        self._flushed = now
        self._second += 1
        self._sink(interval, rows)
