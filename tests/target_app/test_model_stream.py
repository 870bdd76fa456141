"""Events off the wire: at every split of the bytes the same, and nothing damaged passes for one."""

import contextlib
import struct
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock import eventstream
from target_app.errors import ChatError, Code
from target_app.model_stream import events

WIRE = b"".join(
    (
        eventstream.event("messageStart", b'{"role": "assistant"}'),
        eventstream.event("contentBlockDelta", '{"contentBlockIndex": 0, "delta": {"text": "海賊王"}}'.encode()),
        eventstream.event("messageStop", b'{"stopReason": "end_turn"}'),
        eventstream.event("metadata", b'{"usage": {"inputTokens": 3}, "metrics": {"latencyMs": 1}}'),
    )
)


def told(pieces):
    waiting, found = bytearray(), []
    for piece in pieces:
        waiting += piece
        found += events(waiting)
    return found, bytes(waiting)


@given(st.lists(st.integers(0, len(WIRE)), max_size=8))
def test_every_split_gives_the_same(cuts):
    """However the bytes are cut, each event comes once, in order, and nothing is left."""
    ends = [0, *sorted(cuts), len(WIRE)]
    found, left = told(WIRE[begin:end] for begin, end in pairwise(ends))
    assert ([event.delta.text for event in found], left) == (["", "海賊王", "", ""], b"")
    assert (found[2].stop_reason, found[3].usage) == ("end_turn", {"inputTokens": 3})


@given(st.integers(0, len(WIRE) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_found(place, by):
    """Whichever byte is another, its event is not given out: it fails, or waits for bytes that never come."""
    damaged = WIRE[:place] + bytes([WIRE[place] ^ by]) + WIRE[place + 1 :]
    waiting, found = bytearray(damaged), []
    with contextlib.suppress(ChatError):
        found += events(waiting)
    assert len(found) < 4


@pytest.mark.parametrize(("name", "code"), [("throttlingException", "throttled"), ("newException", "model_error")])
def test_an_exception_comes_after_the_events_before_it(name, code):
    """An error in the stream has Bedrock's words and the API's code."""
    waiting = bytearray(WIRE + eventstream.exception(name, b'{"message": "slow down"}'))
    found = events(waiting)
    assert len([next(found) for _ in range(4)]) == 4
    with pytest.raises(ChatError, match="slow down") as caught:
        next(found)
    assert caught.value.code == code


def framed(headers, payload=b"{}"):
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


@pytest.mark.parametrize(
    "headers",
    [b"\x05abc", b"\x01a\x07\x00\x09x", b"\x01a\x04\x00\x00\x00\x01", b"\x01\xff\x07\x00\x01x", b"\x01a"],
)
def test_headers_that_are_none(headers):
    """Headers that end too early, or are no strings, are the model's error."""
    with pytest.raises(ChatError) as caught:
        list(events(bytearray(framed(headers))))
    assert caught.value.code is Code.MODEL_ERROR


@pytest.mark.parametrize("payload", [b"", b"[1]", b'{"delta": {"text": 5}}', b"\xff"])
def test_payloads_that_are_none(payload):
    """An event that isn't what the service model says is the model's error."""
    wire = eventstream.event("contentBlockDelta", payload)
    with pytest.raises(ChatError) as caught:
        list(events(bytearray(wire)))
    assert caught.value.code is Code.MODEL_ERROR
