"""Sinks: an answer as a whole, or as a stream of events, made into an Ending when it is complete."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.http.headers import Headers, find
from loadtester.drivers.wire.retry_after import retry_after_s
from loadtester.drivers.wire.sse import Event, SseParser
from loadtester.drivers.wire.status import ending_of_error, ending_of_status, read_fault
from loadtester.model import Ending, Outcome
from loadtester.scenario.redact import url_shown

BODY_LIMIT_BYTES: Final = 1 << 26

_EVENT_STREAM: Final = b"text/event-stream"
_NOT_JSON: Final = "an event of the stream is not in the format of its API"


class EventReader(Protocol):
    """Makes sense of a stream's events, one after the other."""

    @property
    def is_done(self) -> bool:
        """Whether the event that ends an answer has come."""

    def take(self, events: list[Event]) -> None:
        """Take the next events, which came at once. Raises ValueError where one is not in the API's format."""

    def end(self) -> Ending:
        """How the request ended whose stream ends here."""


class Whole:
    """Collects an answer; `read` makes an Ending of the body of a 2xx, any other status speaks for itself."""

    __slots__ = ("_after_s", "_body", "_note", "_read", "_status", "ending")

    def __init__(self, read: Callable[[bytes], Ending]) -> None:
        self._read = read
        self._body = _Body()
        self._status = 0
        self._after_s: int | None = None
        self._note = ""
        self.ending = Ending(Outcome.BROKEN, detail="no answer came")

    def on_head(self, status: int, headers: Headers) -> None:
        """Keep the status, and what of the fields explains a refusal."""
        self._status = status
        if not _is_success(status):
            self._after_s, self._note = _after_s(headers), _note(status, headers)

    def on_body(self, data: bytes) -> None:
        """Keep a piece."""
        self._body.add(data)

    def on_end(self) -> None:
        """Judge."""
        body = self._body.joined()
        if _is_success(self._status):
            self.ending = self._read(body)
        else:
            self.ending = ending_of_status(self._status, body, self._note, self._after_s)


class Stream:
    """Gives an answer's events to `reader` as they arrive; anything but an event stream is collected and judged."""

    __slots__ = ("_after_s", "_body", "_feed", "_note", "_reader", "_status", "ending")

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._feed: Callable[[bytes], list[Event]] | None = None
        self._body = _Body()
        self._status = 0
        self._after_s: int | None = None
        self._note = ""
        self.ending = Ending(Outcome.BROKEN, detail="no answer came")

    def on_head(self, status: int, headers: Headers) -> None:
        """See whether it is a stream."""
        self._status = status
        if not _is_success(status):
            self._after_s, self._note = _after_s(headers), _note(status, headers)
        elif (find(headers, b"content-type") or b"").lower().startswith(_EVENT_STREAM):
            self._feed = SseParser().feed

    def on_body(self, data: bytes) -> None:
        """Give out the events that are complete now."""
        if self._feed is None:
            self._body.add(data)
            return
        try:
            self._reader.take(self._feed(data))
        except ValueError as error:
            raise HttpError(Outcome.INVALID, _NOT_JSON) from error

    def on_end(self) -> None:
        """Judge."""
        if self._feed is not None:
            self.ending = self._reader.end()
        elif _is_success(self._status):
            self.ending = _ending_without_stream(self._body.joined())
        else:
            self.ending = ending_of_status(self._status, self._body.joined(), self._note, self._after_s)

    def ending_after(self, error: HttpError) -> Ending:
        """How the request ended when the exchange failed: what comes after the last event of an answer is no loss."""
        return self._reader.end() if self._reader.is_done else error.ending()


class _Body:
    __slots__ = ("_pieces", "_room")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._room = BODY_LIMIT_BYTES

    def add(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise HttpError(Outcome.INVALID, f"the answer is over {BODY_LIMIT_BYTES >> 20} MiB")
        self._pieces.append(data)

    def joined(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004  HTTPStatus takes half a µs to say the same


def _ending_without_stream(body: bytes) -> Ending:
    """A success that isn't the stream that was asked for: an error after all, or the answer of something else."""
    if read_fault(body) is not None:
        return ending_of_error(body)
    return Ending(Outcome.INVALID, detail="the answer is not a stream of server-sent events")


def _note(status: int, headers: Headers) -> str:
    """What the fields tell of a refusal: where a redirect goes, when to come back."""
    if status < HTTPStatus.BAD_REQUEST:
        return f"redirects are not followed{_to((find(headers, b'location') or b'').decode('latin-1'))}"
    after_s = _after_s(headers)
    return "" if after_s is None else f"retry after {after_s} s"


def _after_s(headers: Headers) -> int | None:
    """Seconds that the target asks to be left alone; None where it doesn't."""
    after = find(headers, b"retry-after")
    return retry_after_s(after, find(headers, b"date")) if after else None


def _to(location: str) -> str:
    try:
        return f" (to {url_shown(location)})" if location else ""
    except ValueError:
        return ""
