"""One HTTP connection, by feeding it bytes: answers, faults, and what is left of the connection after each."""

import asyncio
import gc
import gzip
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.drivers.http.connection import HEAD_LIMIT_BYTES, Connection
from loadtester.drivers.http.fault import HttpError
from loadtester.model import Outcome

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

HELLO = gzip.compress(b"hello")
GZIPPED = b"HTTP/1.1 200 OK\r\nCONTENT-ENCODING: GZIP\r\nContent-Length: %d\r\n\r\n%b" % (len(HELLO), HELLO)


def split(data, cuts):
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def ask(wire, sink, probe):
    side = wire()
    return side, side.connection.start(b"POST", sink, probe)


ANSWERS = {
    "sized": (SIZED, None, 200, b"hello", True),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None, 200, b"", True),
    "chunked": (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", None, 200, b"hello", True),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", None, 200, b"hello", True),
    "interim": (INTERIM + SIZED, None, 200, b"hello", True),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\nhello", "eof", 200, b"hello", False),
    "until the end, 1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", "eof", 200, b"hello", False),
    "sized, 1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", None, 200, b"hello", False),
    "told to close": (SIZED.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"), None, 200, b"hello", False),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", None, 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", None, 304, b"", True),
    "error": (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", None, 503, b"busy", True),
    "gzip": (GZIPPED, None, 200, b"hello", True),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_answers(wire, recorder, fake_probe, name, size):
    """Every framing gives status and body, ends once, and leaves the connection to others only if it is fit."""
    data, end, status, body, is_reusable = ANSWERS[name]
    sink, probe = recorder(), fake_probe()
    side, waiter = ask(wire, sink, probe)
    side.answer([data[i : i + size] for i in range(0, len(data), size)], end=end)
    assert waiter.done()
    waiter.result()
    assert (sink.status, sink.body, sink.ends) == (status, body, 1)
    assert side.idle == ([side.connection] if is_reusable else [])
    assert side.is_closed is not is_reusable
    assert probe.moments == ["sent"]
    assert side.written == [b"POST"]


@given(data=st.data())
def test_answers_at_any_split(data):
    """Wherever the bytes are cut, two answers on one connection are the same two answers."""
    loop = asyncio.new_event_loop()
    try:
        pool = _Pool()
        connection = Connection(loop, pool)
        connection.connection_made(pool)
        for raw, body in ((INTERIM + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"), (SIZED, b"hello")):
            sink = _Sink()
            waiter = connection.start(b"", sink, _Probe())
            for piece in split(raw, data.draw(st.lists(st.integers(0, len(raw)), max_size=8))):
                connection.data_received(piece)
            waiter.result()
            assert (b"".join(sink.pieces), sink.statuses, sink.ends) == (body, [200], 1)
        assert pool.idle == 2
    finally:
        loop.close()


class _Pool:
    idle = 0

    def write(self, data):
        pass

    def abort(self):
        pass

    def on_idle(self, _connection):
        self.idle += 1

    def on_gone(self, connection):
        pass

    def on_lost(self, connection):
        pass


class _Probe:
    def sent(self):
        pass


class _Sink:
    def __init__(self):
        self.pieces, self.statuses, self.ends = [], [], 0

    def on_head(self, status, _headers):
        self.statuses.append(status)

    def on_body(self, data):
        self.pieces.append(data)

    def on_end(self):
        self.ends += 1


RESET = ConnectionResetError(104, "reset")
FAULTS = {
    "closed at once": (b"", "eof", HttpError, "closed before any answer"),
    "reset at once": (b"", RESET, HttpError, "reset before any answer"),
    "closed in the head": (b"HTTP/1.1 200 OK\r\nConte", "eof", HttpError, "in the middle"),
    "closed after an interim answer": (INTERIM, "eof", HttpError, "in the middle"),
    "closed in a sized body": (SIZED[:-1], "eof", HttpError, "in the middle"),
    "closed in a chunk": (CHUNKED + b"5\r\nhel", "eof", HttpError, "in the middle"),
    "closed between chunks": (CHUNKED + b"5\r\nhello\r\n", "eof", HttpError, "in the middle"),
    "reset in an unsized body": (b"HTTP/1.1 200 OK\r\n\r\nhel", RESET, HttpError, "reset in the middle"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", None, HttpError, "not HTTP"),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", None, HttpError, "not HTTP"),
    "bad chunk size": (CHUNKED + b"xyz\r\n", None, HttpError, "not HTTP"),
    "two lengths": (SIZED.replace(b"\r\n\r\n", b"\r\nContent-Length: 6\r\n\r\n"), None, HttpError, "not HTTP"),
    "length and chunks": (CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 6\r\n\r\n"), None, HttpError, "not HTTP"),
    "switching": (
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        None,
        HttpError,
        "protocol",
    ),
    "unknown encoding": (SIZED.replace(b"Type: text/plain", b"Encoding: br"), None, HttpError, "encoding"),
    "false encoding": (SIZED.replace(b"Type: text/plain", b"Encoding: gzip"), None, HttpError, "encoding"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("size", [1, 1000])
def test_faults(wire, recorder, fake_probe, name, size):
    """Every fault is one HttpError that says what happened; the connection is cut, and never given to anyone else."""
    data, end, kind, words = FAULTS[name]
    sink = recorder()
    side, waiter = ask(wire, sink, fake_probe())
    side.answer([data[i : i + size] for i in range(0, len(data), size)], end=end)
    error = waiter.exception()
    assert type(error) is kind
    assert words in error.detail
    assert error.outcome is (Outcome.INVALID if name == "unknown encoding" else Outcome.BROKEN)
    assert side.is_closed
    assert side.idle == []
    assert sink.ends == 0


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\n", b"garbage", b"H"])
def test_bytes_after_the_answer(wire, recorder, fake_probe, extra):
    """Bytes after the end of an answer don't spoil it, but the connection is not used again."""
    sink = recorder()
    side, waiter = ask(wire, sink, fake_probe())
    side.answer([SIZED + extra])
    waiter.result()
    assert (sink.body, sink.ends) == (b"hello", 1)
    assert side.idle == []
    assert side.is_closed


def test_unasked_bytes(wire, recorder, fake_probe):
    """Bytes that come while nothing is asked (a 408 before closing) take the connection out of use."""
    side, _ = ask(wire, recorder(), fake_probe())
    side.answer([SIZED])
    assert side.connection.is_open
    side.answer([b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
    assert side.gone == side.lost == [side.connection]
    assert not side.connection.is_open


@pytest.mark.parametrize("size", [1 << 10, 1 << 20])
@pytest.mark.parametrize("name", [b"X-Long: ", b""])
def test_oversized_head(wire, recorder, fake_probe, size, name):
    """A head of more than 64 KiB is refused, however it arrives; interim heads count too."""
    filler = name + b"a" * HEAD_LIMIT_BYTES if name else b"HTTP/1.1 100 Continue\r\n\r\n" * 4000
    data = b"HTTP/1.1 200 OK\r\n" + filler if name else filler
    side, waiter = ask(wire, recorder(), fake_probe())
    side.answer([data[i : i + size] for i in range(0, len(data), size)])
    assert "64 KiB" in waiter.exception().detail
    assert side.is_closed


def test_large_first_piece(wire, recorder, fake_probe):
    """A small head is fine however much of the body comes with it."""
    body = b"x" * (1 << 20)
    sink = recorder()
    side, waiter = ask(wire, sink, fake_probe())
    side.answer([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)])
    waiter.result()
    assert sink.body == body
    assert side.idle == [side.connection]


def test_head_only(wire, recorder, fake_probe):
    """The answer to HEAD has no body, whatever its fields say, and ends the connection."""
    side = wire()
    sink = recorder()
    waiter = side.connection.start(b"HEAD", sink, fake_probe(), is_head_only=True)
    side.answer([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n"])
    waiter.result()
    assert (sink.status, sink.body, sink.ends) == (200, b"", 1)
    assert side.is_closed


@pytest.mark.parametrize("method", ["on_head", "on_body", "on_end"])
@pytest.mark.parametrize("fault", [KeyError("ours"), HttpError(Outcome.INVALID, "too much")])
def test_sink_that_raises(wire, recorder, fake_probe, method, fault):
    """What a sink raises reaches whoever waits, as it is, and the connection is cut."""

    def throw(*_):
        raise fault

    sink = recorder()
    setattr(sink, method, throw)
    side, waiter = ask(wire, sink, fake_probe())
    side.answer([SIZED])
    assert waiter.exception() is fault
    assert side.is_closed
    assert side.idle == []


def test_given_up(wire, recorder, fake_probe):
    """Giving up cuts the connection while it works for that waiter, and leaves it alone once it doesn't."""
    side, waiter = ask(wire, recorder(), fake_probe())
    side.answer([SIZED])
    later = side.connection.start(b"POST", recorder(), fake_probe())
    side.connection.give_up(waiter)
    assert not side.is_closed
    side.connection.give_up(later)
    assert side.is_closed
    side.connection.connection_lost(None)
    assert side.lost == [side.connection]


def test_no_garbage():
    """A lost connection is freed without the garbage collector, which is off while load runs."""
    loop = asyncio.new_event_loop()
    pool = _Pool()
    connection = Connection(loop, pool)
    connection.connection_made(pool)
    connection.start(b"", _Sink(), _Probe())
    connection.data_received(SIZED)
    seen = weakref.ref(pool)
    gc.disable()
    try:
        connection.connection_lost(None)
        del connection, pool
        assert seen() is None
    finally:
        gc.enable()
        loop.close()
