"""A fleet's processes, from their start."""

import asyncio
import sys

import pytest

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
