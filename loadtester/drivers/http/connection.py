"""One HTTP/1.1 connection: bytes of a request out, an answer pushed into a sink as it arrives."""

from __future__ import annotations

import asyncio
import select
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

from httptools import HttpParserError, HttpResponseParser

from loadtester.drivers.contract import Probe
from loadtester.drivers.http.encoding import Decoder, decoder_for
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.http.headers import Headers, find
from loadtester.model import Outcome

#: The most that the heads of one answer, interim ones included, may hold.
HEAD_LIMIT_BYTES: Final = 1 << 16

_FINAL: Final = 200
_SWITCHING: Final = 101


class Sink(Protocol):
    """Takes one answer, straight from the transport's callback; an HttpError raised here ends the exchange."""

    def on_head(self, status: int, headers: Headers) -> None:
        """The final status and its fields; `headers` is only valid during the call."""

    def on_body(self, data: bytes) -> None:
        """A piece of the body, without its transfer and content encodings."""

    def on_end(self) -> None:
        """The answer is complete."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; `is_open` until either side has ended it.

    It owns its parser and transport. `on_idle` is called when an exchange left it fit for another, `on_gone` when it
    should not be used any more, `on_lost` once its socket is closed. Parser and connection refer to each other: that
    ring is cut when the connection is lost, as the garbage collector is off while load runs.
    """

    __slots__ = (
        "_decoder",
        "_has_head",
        "_head_bytes",
        "_headers",
        "_is_answered",
        "_is_complete",
        "_is_head_only",
        "_loop",
        "_parser",
        "_pieces",
        "_pool",
        "_sink",
        "_transport",
        "_waiter",
        "idle_since_s",
        "is_open",
        "is_reusable",
        "on_body",
        "on_header",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Owner) -> None:
        self._loop = loop
        self._pool = pool
        self._transport: Any = None
        self._headers: Headers = {}
        self._pieces: list[bytes] = []
        #: Called by the parser for each field, and for each piece of a body; a dict's and a list's own methods, so that
        #: no Python runs for it. What one read brought goes to the sink at once.
        self.on_header: Callable[[bytes, bytes], None] = self._headers.__setitem__
        self.on_body: Callable[[bytes], None] = self._pieces.append
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._decoder: Decoder | None = None
        self._head_bytes = 0
        self._has_head = self._is_answered = self._is_complete = self._is_head_only = False
        self.is_open = True
        self.is_reusable = False
        self.idle_since_s = 0.0

    def start(self, data: bytes, sink: Sink, probe: Probe, *, is_head_only: bool = False) -> asyncio.Future[None]:
        """Send a whole request; the future is done after `sink.on_end`, or holds the HttpError.

        `is_head_only` is for HEAD: its answer has no body whatever its fields say, and ends the connection.
        """
        waiter = self._loop.create_future()
        self._waiter, self._sink, self._decoder = waiter, sink, None
        self._headers.clear()
        self._head_bytes = 0
        self._has_head = self._is_answered = self._is_complete = self.is_reusable = False
        self._is_head_only = is_head_only
        probe.sent()
        self._transport.write(data)
        return waiter

    def give_up(self, waiter: asyncio.Future[None]) -> None:
        """Whoever waited has gone: cut the connection, if it still works for `waiter`."""
        if self._waiter is waiter:
            self._waiter = self._sink = None
            self.abort()
        elif waiter.done() and not waiter.cancelled():
            # Nobody will look at its outcome any more, and asyncio would complain of that.
            waiter.exception()

    def is_fit(self) -> bool:
        """Whether a request may be written: neither side has ended the connection, as far as the kernel knows."""
        return self.is_open and not _has_ended(self._transport.get_extra_info("socket").fileno())

    def abort(self) -> None:
        """Cut the connection."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = transport
        self._parser = HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer came, or, with nothing asked, of something that nobody wants."""
        if self._waiter is None:
            self._leave()
            return
        self._is_answered = True
        fault: Exception | None = None
        try:
            if self._has_head:
                self._parser.feed_data(data)
            else:
                self._feed_head(data)
        except HttpParserError as error:
            # Bytes after the end of the answer spoil the connection, not the answer.
            if not self._is_complete:
                fault = _cause(error)
        except HttpError as error:
            fault = error
        if self._pieces:
            fault = self._give_out() or fault
        if fault is not None:
            self._fail(fault)
        elif self._is_complete:
            self._finish()

    def eof_received(self) -> None:
        """The server will send nothing more; asyncio closes the transport."""
        self._end_of_input(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._end_of_input(exc)
        self._parser = self._transport = None
        self._pool.on_lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """An answer begins: the one that was asked for, the final one after interim ones, or one too many."""
        if self._is_complete:
            self.is_reusable = False
            raise HttpError(Outcome.BROKEN, "there are bytes after the end of the answer")

    def on_headers_complete(self) -> None:
        """The head is there."""
        status: int = self._parser.get_status_code()
        if status < _FINAL:
            return
        self._has_head = True
        encoding = find(self._headers, b"content-encoding")
        if encoding is not None and not self._is_head_only:
            self._decoder = decoder_for(encoding)
        if self._sink is not None:
            self._sink.on_head(status, self._headers)
        if self._is_head_only:
            self._is_complete = True

    def on_message_complete(self) -> None:
        """The answer is complete, or an interim one is."""
        if self._has_head:
            self._is_complete = True
            # llhttp can only tell now.
            self.is_reusable = not self._is_head_only and self._parser.should_keep_alive()
        elif self._parser.get_status_code() == _SWITCHING:
            raise HttpError(Outcome.BROKEN, "the server switches to a protocol that was not asked for")
        else:
            self._headers.clear()

    def _feed_head(self, data: bytes) -> None:
        """Feed what may belong to the head, up to its limit; and then the rest."""
        room = HEAD_LIMIT_BYTES - self._head_bytes
        if len(data) <= room:
            self._head_bytes += len(data)
            self._parser.feed_data(data)
            return
        self._parser.feed_data(data[:room])
        if not self._has_head:
            raise HttpError(Outcome.BROKEN, f"the head of the answer is over {HEAD_LIMIT_BYTES >> 10} KiB")
        self._parser.feed_data(data[room:])

    def _give_out(self) -> Exception | None:
        """Give the sink what the last read brought of the body; returns what went wrong there."""
        pieces, sink = self._pieces, self._sink
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if sink is None or self._is_head_only:
            return None
        try:
            if self._decoder is None:
                sink.on_body(data)
            else:
                for piece in self._decoder.decode(data):
                    sink.on_body(piece)
        except Exception as fault:  # noqa: BLE001  whoever waits raises it
            return fault
        return None

    def _finish(self) -> None:
        """Tell the sink and the waiter; give the connection back before anyone else runs."""
        waiter, sink = self._waiter, self._sink
        if waiter is None or sink is None:
            return
        try:
            if self._decoder is not None:
                self._decoder.end()
            sink.on_end()
        except Exception as fault:  # noqa: BLE001  whoever waits raises it
            self._fail(fault)
            return
        self._waiter = self._sink = None
        if self.is_reusable and self.is_open:
            self._pool.on_idle(self)
        else:
            self._leave()
        if not waiter.done():
            waiter.set_result(None)

    def _fail(self, fault: Exception) -> None:
        waiter, self._waiter, self._sink = self._waiter, None, None
        self._is_complete = False
        self._leave()
        if waiter is not None and not waiter.done():
            waiter.set_exception(fault)

    def _end_of_input(self, error: Exception | None) -> None:
        if self._waiter is not None and error is None and self._has_head and _ends_with_connection(self._headers):
            self._finish()
        elif self._waiter is not None:
            self._fail(_death(error, is_answered=self._is_answered))
        self._leave()

    def _leave(self) -> None:
        if self.is_open:
            self.abort()
            self._pool.on_gone(self)


def _has_ended(fd: int) -> bool:
    """Whether the other side has hung up, or sent something that nobody asked for, and the loop doesn't know yet."""
    if sys.platform == "win32":
        return bool(select.select((fd,), (), (), 0)[0])
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


class Owner(Protocol):
    """Whoever keeps connections between exchanges."""

    def on_idle(self, connection: Connection) -> None:
        """It is fit for another exchange."""

    def on_gone(self, connection: Connection) -> None:
        """It is not to be used any more."""

    def on_lost(self, connection: Connection) -> None:
        """Its socket is closed."""


def _cause(error: HttpParserError) -> Exception:
    """What a parser's error stands for: an exception of our own callbacks, or bytes that are not HTTP."""
    inner = error.__context__
    if isinstance(inner, Exception):
        return inner
    return HttpError(Outcome.BROKEN, f"the answer is not HTTP: {error}")


def _death(error: Exception | None, *, is_answered: bool) -> HttpError:
    how = "closed" if error is None else "reset" if isinstance(error, ConnectionError) else "lost"
    if is_answered:
        return HttpError(Outcome.BROKEN, f"the connection was {how} in the middle of the answer")
    return HttpError(Outcome.BROKEN, f"the connection was {how} before any answer")


def _ends_with_connection(headers: Headers) -> bool:
    """Whether a body's end is the connection's, by RFC 9112, 6.3: neither sized nor chunked."""
    coding = find(headers, b"transfer-encoding")
    if coding is not None:
        return not coding.rstrip().lower().endswith(b"chunked")
    return find(headers, b"content-length") is None
