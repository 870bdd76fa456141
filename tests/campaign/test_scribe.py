"""Seconds are written in turns of the loop, all of them, in order; a fault is told once."""

import asyncio

import pytest

from loadtester.campaign.scribe import Scribe
from loadtester.errors import FmloadError
from loadtester.recorder import Interval


class SlowWriter:
    """Takes five turns a second; can't write the second `broken`."""

    def __init__(self, broken=None):
        self.log = []
        self._broken = broken

    def steps(self, interval, rows):
        for turn in range(5):
            self.log.append((interval.second, turn, rows))
            yield
        if interval.second == self._broken:
            raise FmloadError("the disk is full")


def write(writer, seconds, *, between=0):
    async def work():
        scribe = Scribe(writer)
        for second in range(seconds):
            scribe.take(Interval(second), b"%d" % second)
            for _ in range(between):
                await asyncio.sleep(0)
        await scribe.aclose()

    asyncio.run(work())


@pytest.mark.parametrize("between", [0, 2, 20])
def test_all_seconds_in_order(between):
    """Each second is whole before the next begins, whether it had the time or not."""
    writer = SlowWriter()
    write(writer, 4, between=between)
    assert writer.log == [(second, turn, b"%d" % second) for second in range(4) for turn in range(5)]


def test_others_have_their_turns():
    """Between two steps the loop goes on."""
    turns = []

    async def work():
        writer = SlowWriter()
        scribe = Scribe(writer)
        scribe.take(Interval(0), b"")
        while not writer.log or writer.log[-1][1] < 4:
            turns.append(len(writer.log))
            await asyncio.sleep(0)
        await scribe.aclose()

    asyncio.run(work())
    assert turns == sorted(set(turns))


@pytest.mark.parametrize("broken", [0, 2])
def test_a_fault_is_told(broken):
    """At the next second, or at the end where there is none."""
    with pytest.raises(FmloadError, match="disk is full"):
        write(SlowWriter(broken), 3, between=20)


def test_nothing_to_write():
    """A scribe that was given nothing ends at once."""
    write(SlowWriter(), 0)
