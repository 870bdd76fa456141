"""Sinks: whole answers and streams made into Endings, whatever the server really sent."""

import pytest

from loadtester.drivers.http import answer
from loadtester.drivers.http.answer import Stream, Whole
from loadtester.drivers.http.fault import HttpError
from loadtester.model import Ending, Outcome

SSE = {b"Content-Type": b"Text/Event-Stream; charset=utf-8"}


class Reader:
    """Keeps events; done with the first one of type "done"."""

    def __init__(self):
        self.events = []

    @property
    def is_done(self):
        return any(event[0] == b"done" for event in self.events)

    def take(self, events):
        for event in events:
            if event[1] == b"bad":
                raise ValueError
            self.events.append(event)

    def end(self):
        return Ending(Outcome.OK if self.is_done else Outcome.BROKEN)


def play(sink, status, headers, *pieces):
    sink.on_head(status, headers)
    for piece in pieces:
        sink.on_body(piece)
    sink.on_end()
    return sink.ending


def test_whole():
    """The body of a 2xx is judged once, when it is complete."""
    seen = []
    sink = Whole(lambda body: seen.append(body) or Ending(Outcome.OK))
    assert play(sink, 201, {}, b"a", b"b").outcome is Outcome.OK
    assert seen == [b"ab"]


@pytest.mark.parametrize("make", [lambda: Whole(lambda _: Ending(Outcome.OK)), lambda: Stream(Reader())])
@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome", "detail"),
    [
        (429, {b"Retry-After": b"7"}, b'{"message":"slow down"}', Outcome.THROTTLED, "429: retry after 7 s: slow down"),
        (429, {b"Retry-After": b"soon"}, b"", Outcome.THROTTLED, "429"),
        (429, {b"Retry-After": b"Wed, 21 Oct 2026 07:28:07 GMT", b"Date": b"Wed, 21 Oct 2026 07:28:00 GMT"}, b"",
         Outcome.THROTTLED, "429: retry after 7 s"),
        (503, SSE, b"data: x\n\n", Outcome.UNAVAILABLE, "503: data: x"),
        (302, {b"location": b"/?k=secret"}, b"", Outcome.CLIENT_ERROR, "302: redirects are not followed (to /?k=***)"),
        (302, {b"location": b"http://u:p@h/x"}, b"", Outcome.CLIENT_ERROR, "302: redirects are not followed (to http://***@h/x)"),
        (302, {b"location": b"http://[x"}, b"", Outcome.CLIENT_ERROR, "302: redirects are not followed"),
        (304, {}, b"", Outcome.CLIENT_ERROR, "304: redirects are not followed"),
    ],
)  # fmt: skip
def test_refusals(make, status, headers, body, outcome, detail):
    """A status that is no 2xx speaks for itself, over either sink; redirects are told of, without their secrets."""
    ending = play(make(), status, headers, body)
    assert (ending.outcome, ending.detail) == (outcome, detail)
    assert ending.retry_after_s == (7 if "retry after" in (ending.detail or "") else None)


def test_stream():
    """Events are given to the reader as they are complete, and it has the last word."""
    reader = Reader()
    sink = Stream(reader)
    sink.on_head(200, SSE)
    sink.on_body(b"data: a\n\nevent: do")
    assert [data for _, data in reader.events] == [b"a"]
    sink.on_body(b"ne\ndata: b\n\n")
    sink.on_end()
    assert sink.ending.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("headers", "body", "outcome"),
    [
        ({b"content-type": b"text/html"}, b"<html>login</html>", Outcome.INVALID),
        ({}, b"event: done\ndata: {}\n\n", Outcome.INVALID),
        ({b"content-type": b"application/json"}, b'{"error":{"code":"throttled","message":"x"}}', Outcome.THROTTLED),
    ],
)
def test_success_without_a_stream(headers, body, outcome):
    """A 200 that is no event stream is an error if it holds one, and else not a valid answer."""
    assert play(Stream(Reader()), 200, headers, body).outcome is outcome


def test_bad_event():
    """An event that its API doesn't know ends the exchange: the answer is invalid."""
    sink = Stream(Reader())
    sink.on_head(200, SSE)
    with pytest.raises(HttpError) as error:
        sink.on_body(b"data: bad\n\n")
    assert error.value.outcome is Outcome.INVALID


@pytest.mark.parametrize(("last", "outcome"), [(b"event: done\ndata: x\n\n", Outcome.OK), (b"", Outcome.BROKEN)])
def test_fault_after_the_last_event(last, outcome):
    """A connection that dies after the event that ends an answer has lost nothing."""
    sink = Stream(Reader())
    sink.on_head(200, SSE)
    sink.on_body(b"data: a\n\n" + last)
    assert sink.ending_after(HttpError(Outcome.BROKEN, "reset")).outcome is outcome


@pytest.mark.parametrize("make", [lambda: Whole(lambda _: Ending(Outcome.OK)), lambda: Stream(Reader())])
def test_limit(make, monkeypatch):
    """An answer that never ends is given up before the memory is full."""
    monkeypatch.setattr(answer, "BODY_LIMIT_BYTES", 100)
    sink = make()
    sink.on_head(200, {})
    sink.on_body(b"x" * 100)
    with pytest.raises(HttpError) as error:
        sink.on_body(b"x")
    assert error.value.outcome is Outcome.INVALID
