"""Server-sent events at every split of their bytes, held against the standard's own rules."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtester.drivers.wire import sse
from loadtester.drivers.wire.sse import SseParser

STREAMS = {
    "one": (b"data: hello\n\n", [(b"message", b"hello")]),
    "typed": (b"event: delta\ndata: {}\n\n", [(b"delta", b"{}")]),
    "type after data": (b"data: {}\nevent: delta\n\n", [(b"delta", b"{}")]),
    "no space": (b"event:delta\ndata:{}\n\n", [(b"delta", b"{}")]),
    "one space only": (b"data:  two\n\n", [(b"message", b" two")]),
    "many lines": (b"data: a\ndata\ndata: b\n\n", [(b"message", b"a\n\nb")]),
    "empty data": (b"data\n\n", [(b"message", b"")]),
    "no data": (b"event: ping\n\ndata: x\n\n", [(b"message", b"x")]),
    "empty type": (b"event: a\nevent:\ndata: x\n\n", [(b"message", b"x")]),
    "comments": (b": ping\n\n:\ndata: x\n: y\n\n", [(b"message", b"x")]),
    "unknown fields": (b"foo: bar\nData: y\n data: z\ndata: x\n\n", [(b"message", b"x")]),
    "byte order mark": (b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", [(b"message", b"x")]),
    "japanese": ("data: 「進撃の巨人」34巻 🗡\n\n".encode(), [(b"message", "「進撃の巨人」34巻 🗡".encode())]),
    "unfinished": (b"data: x\n\ndata: y\n", [(b"message", b"x")]),
    "blank lines": (b"\n\n\ndata: x\n\n\n\n", [(b"message", b"x")]),
    "colon in the data": (b"data: a: b\n\n", [(b"message", b"a: b")]),
    "two": (b"event: a\ndata: 1\n\ndata: 2\n\n", [(b"a", b"1"), (b"message", b"2")]),
}


def events_of(pieces):
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("line_break", [b"\n", b"\r", b"\r\n"])
def test_streams_at_every_split(name, line_break):
    """A stream cut in two anywhere, or into single bytes, is the same events, with each kind of line break."""
    stream, events = STREAMS[name]
    stream = stream.replace(b"\n", line_break)
    assert events_of([stream]) == events
    assert events_of([stream[i : i + 1] for i in range(len(stream))]) == events
    for cut in range(len(stream) + 1):
        assert events_of([stream[:cut], b"", stream[cut:]]) == events


LINES = st.lists(
    st.sampled_from(
        [b"data: a", b"data:", b"event: e", b"event", b": c", b"id: 1", b"", b"", b"x", "data: 巻".encode()]
    ),
    max_size=12,
)


@given(LINES, st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=12, max_size=12), st.data())
@example([b"data: a", b""], [b"\r"] * 12, None)
def test_any_split_of_any_stream(lines, breaks, data):
    """The line breaks may be mixed and the cuts fall anywhere: the events are those of the standard's algorithm."""
    stream = b"".join(line + end for line, end in zip(lines, breaks, strict=False))
    cuts = [] if data is None else sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert events_of(pieces) == by_the_standard(stream)


def by_the_standard(stream):
    """WHATWG HTML 9.2.6 step by step, on a whole stream."""
    events, data, kind = [], b"", b""
    *lines, _ = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in lines:
        if not line:
            if data:
                events.append((kind or b"message", data.removesuffix(b"\n")))
            data, kind = b"", b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data += value + b"\n"
        elif field == b"event":
            kind = value
    return events


def test_event_is_given_out_with_its_last_byte():
    """Nothing waits for what comes next: not even a CR for the LF that may follow it."""
    for line_break in (b"\n", b"\r", b"\r\n"):
        parser = SseParser()
        stream = b"data: x" + line_break * 2
        held = 1 if line_break == b"\r\n" else 0
        assert parser.feed(stream[: len(stream) - held]) == [(b"message", b"x")]
        assert parser.feed(stream[len(stream) - held :]) == []


def test_memory():
    """The id and the retry time are those of the last fields that were sound."""
    parser = SseParser()
    parser.feed(b"id: 7\nretry: 250\n\nid: 8\0\nretry: 1s\nretry: -1\nretry:\n")
    assert (parser.last_id, parser.retry_ms) == (b"7", 250)
    parser.feed(b"id\n")
    assert parser.last_id == b""


def test_limit(monkeypatch):
    """An event that never ends is a fault; a stream of small ones, of any length, is none."""
    monkeypatch.setattr(sse, "EVENT_LIMIT_BYTES", 1000)
    parser = SseParser()
    for _ in range(100):
        parser.feed(b": ping\n\n")
        parser.feed(b"data: " + b"x" * 400)
        assert len(parser.feed(b"\n\n")) == 1
    for unending in (b"data: more\n", b"x" * 11):
        parser = SseParser()
        with pytest.raises(ValueError, match="too large"):
            list(map(parser.feed, [unending] * 100))


def test_long_line_is_not_copied_again_and_again():
    """A megabyte of data in pieces of sixteen bytes is one event, put together once."""
    parser = SseParser()
    assert parser.feed(b"data: ") == []
    for _ in range(1 << 16):
        assert parser.feed(b"0123456789abcdef") == []
    assert len(parser._held) == (1 << 16) + 1
    (event,) = parser.feed(b"\n\n")
    assert event == (b"message", b"0123456789abcdef" * (1 << 16))
