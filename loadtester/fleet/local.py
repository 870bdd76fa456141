"""A run on several processes of this machine: the same shard function in each, their seconds added up here."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import Process

from loadtester.engine import Books, Sink
from loadtester.errors import Exit, FmloadError
from loadtester.fleet.messages import Ended, Job, Message, Ready, Refused, Second, Start, Stop, frame, receive
from loadtester.fleet.seconds import Seconds
from loadtester.fleet.shard import Shard
from loadtester.live.observer import Say
from loadtester.scenario import Scenario, Target

#: How long a worker may take for its plan and its first connections, in seconds; 10^7 requests take it ten.
READY_LIMIT_S: float = 120.0
#: A worker tells of each second; one that is silent for so long, in seconds, hangs, and is lost.
SILENCE_LIMIT_S: float = 10.0
#: How long a worker may take to end when it is told to, in seconds.
_END_LIMIT_S: float = 2.0
#: Between the last worker's word that it is ready and time 0, in ns: the word has to reach them all.
_HEADSTART_NS = 50_000_000


class LocalFleet:
    """Runs a scenario's plan on `count` processes; has an Engine's face.

    A worker that dies is not replaced: its share stays undone and `lost` names it. Owns its processes until `run` or
    `aclose` has ended.
    """

    def __init__(self, scenario: Scenario, target: Target, count: int, sink: Sink, say: Say | None = None) -> None:
        self._jobs = [Job(scenario, target, Shard(index, count)) for index in range(count)]
        self._workers: list[Process] = []
        self._seconds = Seconds(count, sink)
        self.lost: list[int] = []
        self.elapsed_s = 0.0
        self.is_stopped = False
        self.stopped_s: float | None = None
        self._zero_ns = 0
        self._books = Books()
        self._tell_user = say
        self._said: set[str] = set()

    async def open(self) -> None:
        """Start the workers and wait until each has its plan and its first connections."""
        for job in self._jobs:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "loadtester.fleet.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Its own session: Ctrl-C reaches it through us.
                start_new_session=True,
                limit=1 << 26,
            )
            self._workers.append(worker)
            _say(worker, job)
        for index, worker in enumerate(self._workers):
            try:
                async with asyncio.timeout(READY_LIMIT_S):
                    word = await receive(_out(worker))
            except TimeoutError:
                raise FmloadError(
                    f"worker {index} was not ready after {READY_LIMIT_S:g} s",
                    remedy="see what holds the machine or the target up, or try --workers 1",
                    code=Exit.DEGRADED,
                ) from None
            if isinstance(word, Refused):
                raise FmloadError(word.message, remedy=word.remedy, code=word.code)
            if not isinstance(word, Ready):
                raise FmloadError(
                    f"worker {index} ended before the run began", remedy="try --workers 1", code=Exit.DEGRADED
                )

    async def run(self, zero_ns: int) -> None:
        """Run the plan from `zero_ns` on, or a little later; returns when every worker has ended or died."""
        zero_ns = max(zero_ns, time.perf_counter_ns() + _HEADSTART_NS)
        self._zero_ns = zero_ns
        for worker in self._workers:
            _say(worker, Start(zero_ns))
        await asyncio.gather(*(self._listen(index, worker) for index, worker in enumerate(self._workers)))

    def books(self) -> Books:
        """Why the run was stopped, once a worker met one of its bounds, and what ended workers spent of the budget."""
        return self._books

    def stop(self) -> None:
        """Send nothing more; what is in flight may finish."""
        self._note_stop()
        self._tell(Stop(is_now=False))

    def abort(self) -> None:
        """Stop now."""
        self._note_stop()
        self._tell(Stop(is_now=True))

    async def aclose(self) -> None:
        """End every worker that is still there."""
        for worker in self._workers:
            if worker.stdin is not None:
                worker.stdin.close()
            if worker.returncode is None:
                worker.terminate()
            try:
                async with asyncio.timeout(_END_LIMIT_S):
                    await worker.wait()
            except TimeoutError:
                worker.kill()
                await worker.wait()

    def _pass_on(self, said: tuple[str, ...]) -> None:
        """Say what a worker says, once whoever of them says it."""
        for words in said:
            if self._tell_user is not None and words not in self._said:
                self._said.add(words)
                self._tell_user(words)

    def _note_stop(self) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            self.stopped_s = (time.perf_counter_ns() - self._zero_ns) / 1e9

    def _tell(self, message: Stop) -> None:
        for worker in self._workers:
            if worker.returncode is None:
                _say(worker, message)

    async def _listen(self, index: int, worker: Process) -> None:
        while (message := await _next_word(worker)) is not None:
            if isinstance(message, Second):
                # Before the second goes on: who takes it asks why the run has stopped.
                self._books = self._books.merge(Books(message.halted))
                if message.halted is not None and not self.is_stopped:
                    self.stop()
                self._seconds.add(index, message.interval, message.rows)
            elif isinstance(message, Ended):
                self.elapsed_s = max(self.elapsed_s, message.elapsed_s)
                self._books = self._books.merge(message.books)
                self._pass_on(message.said)
                break
        else:
            self.lost.append(index)
        self._seconds.end(index)


async def _next_word(worker: Process) -> Message | None:
    """What the worker says next; None where it is gone, or is ended here because it hangs."""
    try:
        async with asyncio.timeout(SILENCE_LIMIT_S):
            return await receive(_out(worker))
    except TimeoutError:
        worker.kill()
        return None


def _say(worker: Process, message: Job | Start | Stop) -> None:
    if worker.stdin is not None:
        worker.stdin.write(frame(message))


def _out(worker: Process) -> asyncio.StreamReader:
    if worker.stdout is None:
        raise AssertionError("workers are started with a pipe")
    return worker.stdout
