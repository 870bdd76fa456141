"""One request has one outcome on record, however its exchange ends."""

import asyncio
import csv
import gzip

import pytest

from loadtester.engine.deadlines import Deadlines
from loadtester.engine.exchange import exchange
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import COLUMNS, Probe, Recorder

REQUEST = Request(
    id=0, query="q", kind="ai", model="m", prompt="p", session="s", turn=1, max_tokens=1, language="en"
)  # fmt: skip


class Driver:
    """Sends by doing what it was made with."""

    def __init__(self, send):
        self._send = send

    async def send(self, _request, probe):
        probe.sent()
        return await self._send()


def exchanged(send, *, timeout_s=60.0, during=None):
    """What was raised, and the one row on record."""
    recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
    ticks = iter(range(100))

    async def main():
        probe = Probe(lambda: next(ticks), 0)
        probe.launched()
        task = asyncio.create_task(exchange(REQUEST, probe, Driver(send), recorder, Deadlines(timeout_s)))
        await asyncio.sleep(0)
        if during is not None:
            during(task)
        (raised,) = await asyncio.gather(task, return_exceptions=True)
        return raised

    raised = asyncio.run(main())
    _, rows = recorder.flush(0, planned=1, sent=1, in_flight=0, stall_s=0.0)
    (row,) = csv.reader(gzip.decompress(rows).decode().splitlines())
    return raised, dict(zip(COLUMNS, row, strict=True))


async def _never():
    await asyncio.Event().wait()


async def _throttled():
    return Ending(Outcome.THROTTLED, detail="slow down")


async def _bug():
    raise KeyError("secret")


@pytest.mark.parametrize(
    ("send", "timeout_s", "outcome", "detail"),
    [
        (_throttled, 60.0, "throttled", "slow down"),
        (_never, 0.01, "timeout", "no complete answer within 0.01 s"),
    ],
)
def test_an_ending_is_the_outcome(send, timeout_s, outcome, detail):
    """What the driver says is on record, or that it took too long."""
    raised, row = exchanged(send, timeout_s=timeout_s)
    assert raised is None
    assert (row["outcome"], row["detail"]) == (outcome, detail)


def test_cancelled_is_on_record_and_passed_on():
    """A stopped run's request is cancelled in flight: it was sent, and has its end."""
    raised, row = exchanged(_never, during=lambda task: task.cancel())
    assert isinstance(raised, asyncio.CancelledError)
    assert row["outcome"] == "cancelled"
    assert row["sent_ns"] != ""
    assert row["done_ns"] != ""


def test_a_drivers_fault_is_on_record_and_raised():
    """A driver that raises is a bug: it ends the run, but not before its request has an outcome."""
    raised, row = exchanged(_bug)
    assert isinstance(raised, KeyError)
    assert (row["outcome"], row["detail"]) == ("broken", "fault in the driver: KeyError")
