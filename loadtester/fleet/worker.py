"""A worker process: `python -m loadtester.fleet.worker`, a job on stdin, seconds on stdout.

It ends when its share is done, or at once when the process that started it is gone.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from loadtester.cost import price_table
from loadtester.drivers import driver_for
from loadtester.engine import AnyEngine
from loadtester.errors import FmloadError
from loadtester.fleet.messages import Ended, Job, Ready, Refused, Second, Start, Stop, frame, receive
from loadtester.fleet.shard import plan_of, shard_engine
from loadtester.live.traced import traced
from loadtester.loop import on_loop
from loadtester.recorder import Interval


async def work() -> None:
    """Take the job from stdin and do it."""
    reader, writer = await _pipes()
    job = await receive(reader)
    if not isinstance(job, Job):
        return
    prices = price_table(job.scenario.prices)
    said: list[str] = []
    driver = traced(driver_for(job.target, has_crud=job.scenario.has_crud), job.scenario, job.shard.index, said.append)

    def tell(interval: Interval, rows: bytes) -> None:
        if not writer.is_closing():  # nobody is left to tell when the one who asked is gone
            writer.write(frame(Second(interval, rows, engine.books().halted)))

    engine = shard_engine(job.scenario, plan_of(job.scenario), driver, shard=job.shard, price=prices.usd, sink=tell)
    try:
        try:
            await engine.open()
        except FmloadError as error:
            writer.write(frame(Refused(error.message, error.remedy, error.code)))
            await writer.drain()
            return
        writer.write(frame(Ready()))
        start = await receive(reader)
        if not isinstance(start, Start):
            return
        obeying = asyncio.create_task(_obey(reader, engine))
        await engine.run(start.zero_ns)
        obeying.cancel()
    finally:
        await driver.aclose()
    with suppress(ConnectionError):
        if not writer.is_closing():
            writer.write(frame(Ended(engine.elapsed_s, engine.books(), tuple(said))))
            await writer.drain()
        writer.close()
        await writer.wait_closed()


async def _obey(reader: asyncio.StreamReader, engine: AnyEngine) -> None:
    """Stop when told to; when nobody is there to tell, stop now."""
    while True:
        message = await receive(reader)
        if message is None or (isinstance(message, Stop) and message.is_now):
            engine.abort()
        else:
            engine.stop()
        if message is None:
            return


async def _pipes() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), sys.stdout
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


if __name__ == "__main__":
    on_loop(work())
