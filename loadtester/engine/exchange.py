"""One request from launch to outcome."""

from __future__ import annotations

import asyncio

from loadtester.drivers import Driver
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Probe, Recorder


async def exchange(request: Request, probe: Probe, driver: Driver, recorder: Recorder, *, timeout_s: float) -> None:
    """Send a request that was launched, and record what became of it, whatever that is.

    Raises CancelledError, and what the driver raised: it is a bug, put on record before it ends the run.
    """
    ending = Ending(Outcome.CANCELLED, detail="the run was stopped")
    try:
        async with asyncio.timeout(timeout_s):
            ending = await driver.send(request, probe)
    except TimeoutError:
        ending = Ending(Outcome.TIMEOUT, detail=f"no complete answer within {timeout_s:g} s")
    except Exception as fault:
        ending = Ending(Outcome.BROKEN, detail=f"fault in the driver: {type(fault).__name__}")
        raise
    finally:
        probe.done()
        recorder.add(request, probe, ending)
