"""The corked transport: what one turn of the loop wrote leaves together, in order, and nothing is lost at the end."""

import asyncio

import pytest

from target_app.edges.corked import CorkedTransport


class Wire:
    """A transport that keeps what is done to it."""

    def __init__(self):
        self.done, self.is_closed = [], False

    def write(self, data):
        self.done.append(data)

    def write_eof(self):
        self.done.append("eof")

    def close(self):
        self.done.append("close")
        self.is_closed = True

    def is_closing(self):
        return self.is_closed


def test_what_one_turn_wrote_is_one_write():
    """Pieces of one turn are joined, those of the next are another write; all else is the transport's own."""

    async def run():
        wire = Wire()
        corked = CorkedTransport(wire)
        corked.write(b"a")
        corked.write(b"b")
        assert wire.done == []
        await asyncio.sleep(0)
        corked.write(b"c")
        await asyncio.sleep(0)
        assert corked.is_closing() is False
        return wire.done

    assert asyncio.run(run()) == [b"ab", b"c"]


@pytest.mark.parametrize(("end", "word"), [("close", "close"), ("write_eof", "eof")])
def test_the_end_comes_after_what_was_written(end, word):
    """Closed in the same turn, it sends first, and once."""

    async def run():
        wire = Wire()
        corked = CorkedTransport(wire)
        corked.write(b"a")
        getattr(corked, end)()
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(run()) == [b"a", word]


def test_a_connection_that_is_lost_takes_nothing_more():
    """What was written to a transport that closes meanwhile is dropped, not written to it."""

    async def run():
        wire = Wire()
        CorkedTransport(wire).write(b"a")
        wire.is_closed = True
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(run()) == []
