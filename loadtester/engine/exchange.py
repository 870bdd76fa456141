"""One request from launch to outcome."""

from __future__ import annotations

import asyncio
from typing import Final

from loadtester.drivers import Driver
from loadtester.engine.deadlines import Deadlines
from loadtester.engine.guard import Guard
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Probe, Recorder

#: What becomes of a request that a stopped run cancels, sent or not.
STOPPED: Final = Ending(Outcome.CANCELLED, detail="the run was stopped")


async def exchange(
    request: Request, probe: Probe, driver: Driver | Guard, recorder: Recorder, deadlines: Deadlines
) -> None:
    """Send a request that was launched, and record what became of it, whatever that is.

    Raises CancelledError, and what the driver raised: it is a bug, put on record before it ends the run.
    """
    ending = STOPPED
    task = deadlines.begin()
    try:
        ending = await driver.send(request, probe)
    except asyncio.CancelledError:
        if not deadlines.is_over(task):
            raise
        ending = Ending(Outcome.TIMEOUT, detail=f"no complete answer within {deadlines.limit_s:g} s")
    except Exception as fault:
        ending = Ending(Outcome.BROKEN, detail=f"fault in the driver: {type(fault).__name__}")
        raise
    finally:
        deadlines.end(task)
        probe.done()
        recorder.add(request, probe, ending)
