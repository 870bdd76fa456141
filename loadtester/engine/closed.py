"""One process's share of a closed run: users who ask, wait for the answer, think, and ask again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final, Protocol

from loadtester.drivers import LEAD_S, Driver
from loadtester.engine.beat import beat
from loadtester.engine.collector import quiet_collector
from loadtester.engine.deadlines import Deadlines
from loadtester.engine.engine import Limits, Sink
from loadtester.engine.exchange import exchange
from loadtester.engine.guard import Books, Guard
from loadtester.engine.pace import Pace
from loadtester.model import Request
from loadtester.recorder import Recorder
from loadtester.schedule import Users
from loadtester.workload import Step

_LEAD_NS: Final = round(LEAD_S * 1e9)

#: The id of a request that is only shown to the driver ahead of time, and never sent as it is.
_UNSENT: Final = -1


class Asked(Protocol):
    """What users ask: see loadtester.workload.Visits."""

    def of(self, user: int) -> Iterator[Step]:
        """The user's steps, without end."""

    def request(self, step: Step, request_id: int) -> Request:
        """The request of a step."""


class ClosedEngine:
    """Drives one shard of a run's users at one driver; has an Engine's face.

    A user sends nothing while an answer is due, so at most one request a user is in flight, and a slow target is asked
    less. A request is due when its user asks. Requests are numbered as they are sent: `shard` of `shards` takes every
    `shards`-th number. Users who leave finish what they wait for. `sink` gets one Interval a second and the last one
    at the end.
    """

    def __init__(
        self,
        users: Users,
        visits: Asked,
        driver: Driver,
        recorder: Recorder,
        limits: Limits,
        sink: Sink,
        *,
        shard: int = 0,
        shards: int = 1,
        guard: Guard | None = None,
    ) -> None:
        self._stays: list[tuple[int, int, int]] = list(
            zip(users.number.tolist(), users.start_ns.tolist(), users.end_ns.tolist(), strict=True)
        )
        self._visits = visits
        self._driver = driver
        self._recorder = recorder
        self._limits = limits
        self._sink = sink
        self._guard = guard
        self._sender = driver if guard is None else guard
        self._pace = None if limits.max_per_s is None else Pace(limits.max_per_s)
        self._next_id, self._id_step = shard, shards
        self._waiting: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Future[None]] = set()
        self._deadline: asyncio.TimerHandle | None = None
        self._deadlines = Deadlines(limits.timeout_s)
        self._zero_ns = 0
        self._sent = 0
        self._warm_sent = 0
        self._flushed = (0, 0)
        self._second = 0
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
        early = [number for number, start_ns, _ in self._stays if start_ns < _LEAD_NS]
        await asyncio.gather(*(self._driver.prepare(self._first(number)) for number in early))

    async def run(self, zero_ns: int) -> None:
        """Let the users come and go, time 0 at `zero_ns` on time.perf_counter_ns, until the last has their answer.

        Raises what a driver or the sink raised.
        """
        self._zero_ns = zero_ns
        try:
            with quiet_collector():
                await self._serve_users()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._deadlines.close()
            if self._deadline is not None:
                self._deadline.cancel()
        self._flush(0.0)

    async def _serve_users(self) -> None:
        async with asyncio.TaskGroup() as crew:
            beating = crew.create_task(beat(self._clock, self._flush))
            # The loop's timer may be early, and what is due before time 0 would be a warm-up's.
            while not self.is_stopped and self._clock() < 0:
                await self._pause(0, 0)
            users = [crew.create_task(self._stay(crew, *stay)) for stay in self._stays]
            if users:
                await asyncio.wait(users)
            self.elapsed_s = self._clock() / 1e9
            beating.cancel()

    def stop(self) -> None:
        """Send nothing more; what is in flight may finish within `graceful_stop_s`."""
        if self.is_stopped:
            return
        self.is_stopped = True
        self.stopped_s = self._clock() / 1e9
        self._deadline = asyncio.get_running_loop().call_later(self._limits.graceful_stop_s, self.abort)
        if self._guard is not None:
            self._guard.stop()
        for pause in self._pauses:
            _end(pause)

    def abort(self) -> None:
        """Stop now: what is in flight is cancelled."""
        self.stop()
        for user in self._waiting:
            user.cancel()

    async def _stay(self, crew: asyncio.TaskGroup, number: int, start_ns: int, end_ns: int) -> None:
        """One user, from coming to leaving: conversation after conversation, each on a connection of its own."""
        user = _own_task()
        due_ns = start_ns
        is_open = start_ns < _LEAD_NS
        held: Request | None = None
        try:
            for step in self._visits.of(number):
                if step.turn == 1:
                    if not is_open and not await self._pause(min(due_ns - _LEAD_NS, end_ns), end_ns):
                        break
                    held = self._visits.request(step, _UNSENT)
                    if not is_open and self._driver.opens_ahead:
                        crew.create_task(self._driver.prepare(held))
                    is_open = False
                if not await self._pause(min(due_ns, end_ns), end_ns):
                    break
                if self._pace is not None and not await self._pause(self._pace.slot_ns(self._clock()), end_ns):
                    break
                asked = await self._ask(step, user)
                if asked is None:
                    break
                held = asked
                due_ns = self._clock() + step.think_ns
                if step.is_last:
                    await self._driver.finish(held)
                    held = None
        finally:
            if held is not None:
                await self._driver.finish(held)

    async def _ask(self, step: Step, user: asyncio.Task[None]) -> Request | None:
        """Send a step's request and wait for its outcome; None where it may not be sent, which ends the run."""
        request = self._visits.request(step, self._next_id)
        if self._guard is not None and not self._guard.admits(request):
            self.stop()
            return None
        self._next_id += self._id_step
        self._sent += 1
        probe = self._recorder.probe(self._clock, 0)
        probe.launched()
        probe.due_ns = probe.launched_ns
        self._warm_sent += probe.due_ns < self._recorder.warm_ns
        self._waiting.add(user)
        try:
            await exchange(request, probe, self._sender, self._recorder, self._deadlines)
        finally:
            self._waiting.discard(user)
        return request

    async def _pause(self, until_ns: int, end_ns: int) -> bool:
        """Wait until then, or until the run is stopped; whether the user, who leaves at `end_ns`, is to go on."""
        delay_ns = until_ns - self._clock()
        if delay_ns <= 0 or self.is_stopped:
            await asyncio.sleep(0)
        else:
            loop = asyncio.get_running_loop()
            pause: asyncio.Future[None] = loop.create_future()
            timer = loop.call_later(delay_ns / 1e9, _end, pause)
            self._pauses.add(pause)
            try:
                await pause
            finally:
                self._pauses.discard(pause)
                timer.cancel()
        # The loop's timer may be early: what counts is what was waited for.
        return not self.is_stopped and max(until_ns, self._clock()) < end_ns

    def _first(self, number: int) -> Request:
        return self._visits.request(next(self._visits.of(number)), _UNSENT)

    def _clock(self) -> int:
        return time.perf_counter_ns() - self._zero_ns

    def _flush(self, stall_s: float) -> None:
        sent, warm = self._sent - self._flushed[0], self._warm_sent - self._flushed[1]
        interval, rows = self._recorder.flush(
            self._second,
            planned=sent,
            sent=sent,
            in_flight=len(self._waiting),
            stall_s=stall_s,
            warm_planned=warm,
            warm_sent=warm,
        )
        self._flushed = (self._sent, self._warm_sent)
        self._second += 1
        self._sink(interval, rows)


def _own_task() -> asyncio.Task[None]:
    """Who runs this; asked for once a stay, for it takes its time."""
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("a user is a task")
    return task


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
