"""Stand-ins for the HTTP transport's tests: a transport and a pool in memory, and a sink and a probe that remember."""

import asyncio

import pytest

from loadtester.drivers.http.connection import Connection


class Recorder:
    """A Sink that keeps what it is given."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.pieces = []
        self.ends = 0

    @property
    def body(self):
        return b"".join(self.pieces)

    def on_head(self, status, headers):
        assert self.status is None, "an answer has one head"
        self.status = status
        self.headers = dict(headers)

    def on_body(self, data):
        self.pieces.append(data)

    def on_end(self):
        self.ends += 1


class Wire:
    """What a Connection has for a transport and for an owner; it is closed at once when aborted."""

    def __init__(self, loop):
        self.written = []
        self.is_closed = False
        self.idle = []
        self.gone = []
        self.lost = []
        self.connection = Connection(loop, self)
        self.connection.connection_made(self)

    def write(self, data):
        self.written.append(data)

    def abort(self):
        self.is_closed = True

    def on_idle(self, connection):
        self.idle.append(connection)

    def on_gone(self, connection):
        self.gone.append(connection)

    def on_lost(self, connection):
        self.lost.append(connection)

    def answer(self, pieces, *, end=None):
        """Let bytes come in, as long as the connection is there; then `end`: "eof", or the error of a lost one."""
        for piece in pieces:
            if not self.is_closed:
                self.connection.data_received(piece)
        if end == "eof":
            self.connection.eof_received()
        if end is not None or self.is_closed:
            self.connection.connection_lost(end if isinstance(end, Exception) else None)


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def wire():
    """Makes a Wire; no loop needs to run, as nothing here waits."""
    loop = asyncio.new_event_loop()
    yield lambda: Wire(loop)
    loop.close()
