"""A fleet's processes, from their start."""

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import pytest

from loadtester.cost.budget import Ledger
from loadtester.engine import Books
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import LocalFleet, local
from loadtester.scenario import resolve


def test_a_worker_that_hangs_is_not_waited_for_without_end(monkeypatch, tmp_path):
    """One that says nothing is an error with a remedy, and its process is ended."""
    mute = tmp_path / "mute.py"
    mute.write_text("import sys; sys.stdin.read()\n")
    start = asyncio.create_subprocess_exec

    async def start_mute(_python, *_arguments, **options):
        return await start(sys.executable, str(mute), **options)

    monkeypatch.setattr(local.asyncio, "create_subprocess_exec", start_mute)
    monkeypatch.setattr(local, "READY_LIMIT_S", 0.2)

    async def main():
        scenario = resolve({"load.rate": 1, "load.duration": "1s"})
        fleet = LocalFleet(scenario, scenario.target, 1, lambda *_: None)
        try:
            with pytest.raises(FmloadError, match="not ready after") as caught:
                await fleet.open()
        finally:
            await fleet.aclose()
        return caught.value.code, [worker.returncode is not None for worker in fleet._workers]

    assert asyncio.run(main()) == (Exit.DEGRADED, [True])


def test_a_worker_that_meets_a_bound_stops_the_others(monkeypatch, tmp_path):
    """Its second says why: all are told to stop, what each has booked is added up, and what all say is said once.

    Why is known with that second, not only when the workers have ended.
    """
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    start = asyncio.create_subprocess_exec

    async def start_script(_python, *_arguments, **options):
        return await start(sys.executable, str(script), **options)

    monkeypatch.setattr(local.asyncio, "create_subprocess_exec", start_script)

    async def main():
        scenario = resolve({"load.rate": 1, "load.duration": "1s"})

        def take(*_):
            known.append(fleet.books())
            fleet.stop()

        fleet = LocalFleet(scenario, scenario.target, 2, take, said.append)
        try:
            await fleet.open()
            assert fleet.books() == Books()
            await fleet.run(0)
        finally:
            await fleet.aclose()
        return fleet

    said, known = [], []
    fleet = asyncio.run(main())
    assert known == [Books("full")]
    assert fleet.is_stopped
    assert said == ["no spans"]
    assert fleet.lost == []
    assert fleet.books() == Books("full", Ledger(Decimal(2), spent_usd=Decimal(2)))


#: Worker 0 is through with its money in its first second; both end only when they are told to stop for a second time.
WORKER = """
import asyncio
import sys
from decimal import Decimal

from loadtester.cost.budget import Ledger
from loadtester.engine import Books
from loadtester.fleet.messages import Ended, Ready, Second, Stop, frame, receive
from loadtester.fleet.worker import _pipes
from loadtester.recorder import Interval


async def main():
    reader, writer = await _pipes()
    is_first = (await receive(reader)).shard.index == 0
    writer.write(frame(Ready()))
    await receive(reader)
    writer.write(frame(Second(Interval(0), b"", "full" if is_first else None)))
    for _ in range(2):
        assert isinstance(await receive(reader), Stop)
    ledger = Ledger(Decimal(1), spent_usd=Decimal(1))
    writer.write(frame(Ended(1.0, Books("full" if is_first else None, ledger), ("no spans",))))
    await writer.drain()


asyncio.run(main())
"""


def test_a_worker_that_hangs_in_the_run_is_lost(monkeypatch):
    """One that is stopped tells of no second any more: it is ended, and the others' seconds are kept."""
    monkeypatch.setattr(local, "SILENCE_LIMIT_S", 2.5)
    seconds = []

    async def main():
        async with _answering() as port:
            flags = {
                "target.url": f"http://127.0.0.1:{port}",
                "load.rate": 20,
                "load.duration": "3s",
                "load.timeout": "1s",
            }
            scenario = resolve(flags)
            fleet = LocalFleet(scenario, scenario.target, 2, lambda interval, _rows: seconds.append(interval))
            try:
                await fleet.open()
                running = asyncio.create_task(fleet.run(time.perf_counter_ns()))
                await asyncio.sleep(0.5)
                os.kill(fleet._workers[1].pid, signal.SIGSTOP)
                await asyncio.wait_for(running, 30)
            finally:
                await fleet.aclose()
            return fleet.lost

    assert asyncio.run(main()) == [1]
    assert sum(interval.sent for interval in seconds) >= 30
    assert [interval.second for interval in seconds] == list(range(len(seconds)))


@asynccontextmanager
async def _answering():
    """A service that answers everything with an empty object."""

    async def answer(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                sized = head.lower().partition(b"content-length: ")[2]
                await reader.readexactly(int(sized.split(b"\r\n")[0]) if sized else 0)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
