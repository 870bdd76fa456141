"""Server-sent events: bytes, split anywhere, to events (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

import re
from typing import Final

#: The most that one event, complete or not, may hold.
EVENT_LIMIT_BYTES: Final = 1 << 23

_BOM: Final = b"\xef\xbb\xbf"
_MESSAGE: Final = b"message"
#: An event as most write it, from its first line to the blank one.
_USUAL: Final = re.compile(rb"^(?:event: ([^\n]+)\n)?data: ([^\n]*)\n\n", re.MULTILINE)


#: One event: its type, and its data, lines joined by LF. Bytes are UTF-8, or are meant to be.
Event = tuple[bytes, bytes]


class SseParser:
    """Takes the bytes of one stream; an event is given out with the line break that completes it.

    What follows the last blank line of a stream is no event, so nothing needs to be told of the end. `last_id` and
    `retry_ms` are what the stream last asked a client to remember.
    """

    __slots__ = ("_data", "_held", "_held_bytes", "_is_after_cr", "_is_first_line", "_type", "last_id", "retry_ms")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._data: list[bytes] = []
        self._type = _MESSAGE
        self._is_first_line = True
        self._is_after_cr = False
        self.last_id = b""
        self.retry_ms: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises ValueError where one grows over 8 MiB."""
        if self._is_after_cr or b"\r" in data:
            data = self._with_lf(data)
        if data[-2:] == b"\n\n" and not (self._held or self._data) and self._type is _MESSAGE:
            events = _usual_events(data)
            if events:
                self._is_first_line, self._held_bytes = False, 0
                return events
        lines = data.split(b"\n")
        rest = lines.pop()
        # A blank line lets go of all that was held before it.
        self._held_bytes = len(data) if b"" in lines else self._held_bytes + len(data)
        if self._held_bytes > EVENT_LIMIT_BYTES:
            raise ValueError("an event is too large")
        if lines and (self._held or self._is_first_line):
            lines[0] = self._first_of(lines[0])
        if rest:
            self._held.append(rest)
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[Event]:
        """Take whole lines: the hot path of a stream, so the fields that all events have go first, and no calls."""
        events = []
        data = self._data
        for line in lines:
            if line[:6] == b"data: ":
                data.append(line[6:])
            elif not line:
                if data:
                    events.append((self._type, data[0] if len(data) == 1 else b"\n".join(data)))
                    data.clear()
                self._type = _MESSAGE
            elif line[:7] == b"event: ":
                self._type = line[7:] or _MESSAGE
            else:
                self._set(line)
        return events

    def _first_of(self, line: bytes) -> bytes:
        """The line that `line` ends; the first one of a stream may begin with a byte order mark."""
        self._held.append(line)
        whole = b"".join(self._held)
        self._held.clear()
        if self._is_first_line:
            self._is_first_line = False
            return whole.removeprefix(_BOM)
        return whole

    def _with_lf(self, data: bytes) -> bytes:
        """`data` with LF for every line break; a CR at its end counts at once, and an LF after that not again."""
        if self._is_after_cr and data:
            self._is_after_cr = False
            data = data.removeprefix(b"\n")
        if data:
            self._is_after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _set(self, line: bytes) -> None:
        """Take a field as few write it, or a comment, whose name is empty."""
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value or _MESSAGE
        elif name == b"id":
            if b"\0" not in value:
                self.last_id = value
        elif name == b"retry" and value.isdigit():
            self.retry_ms = int(value)


def _usual_events(data: bytes) -> list[Event]:
    """The events in `data`, if it is nothing but whole ones, each as most write them; none otherwise.

    A stream brings little else, and reading it so takes a quarter of the time. It is nothing else if the events that
    were found hold every line break of it, as each of them begins where a line does.
    """
    if len(data) > EVENT_LIMIT_BYTES:
        return []
    found: list[Event] = _USUAL.findall(data)
    n_named = sum(1 for kind, _ in found if kind)
    if 2 * len(found) + n_named != data.count(b"\n"):
        return []
    return found if n_named == len(found) else [(kind or _MESSAGE, text) for kind, text in found]
