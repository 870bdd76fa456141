"""A fleet's processes, from their start."""

import asyncio
import sys
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
    """Its second says so: all are told to stop, and what each has booked is added up."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    start = asyncio.create_subprocess_exec

    async def start_script(_python, *_arguments, **options):
        return await start(sys.executable, str(script), **options)

    monkeypatch.setattr(local.asyncio, "create_subprocess_exec", start_script)

    async def main():
        scenario = resolve({"load.rate": 1, "load.duration": "1s"})
        fleet = LocalFleet(scenario, scenario.target, 2, lambda *_: None)
        try:
            await fleet.open()
            assert fleet.books() == Books()
            await fleet.run(0)
        finally:
            await fleet.aclose()
        return fleet

    fleet = asyncio.run(main())
    assert fleet.is_stopped
    assert fleet.lost == []
    assert fleet.books() == Books("full", Ledger(Decimal(2), spent_usd=Decimal(2)))


#: Worker 0 is through with its money in its first second; both end only when they are told to stop.
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
    if is_first:
        writer.write(frame(Second(Interval(0), b"", is_halted=True)))
    assert isinstance(await receive(reader), Stop)
    ledger = Ledger(Decimal(1), spent_usd=Decimal(1))
    writer.write(frame(Ended(1.0, Books("full" if is_first else None, ledger))))
    await writer.drain()


asyncio.run(main())
"""
