"""The event-stream decoder reads what botocore reads, at every split, and nothing that is broken."""

import struct
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from loadtester.drivers.wire.eventstream import Decoder, FrameError


def frame(payload, kind="event", name="contentBlockDelta", extra=b""):
    """A frame as the service builds it."""
    block = b""
    for key, value in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind)):
        block += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    block += extra
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return head + struct.pack(">I", crc32(head))


def decode(pieces):
    decoder = Decoder()
    messages = [message for piece in pieces for message in decoder.feed(piece)]
    return [(message.kind, message.type, message.payload) for message in messages], decoder.is_empty


payloads = st.lists(st.binary(max_size=300), min_size=1, max_size=5)


@given(payloads, st.data())
def test_every_split_gives_the_same_messages(payloads, data):
    """However the bytes arrive, the messages are the same, and botocore's."""
    stream = b"".join(frame(payload) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    reference = EventStreamBuffer()
    reference.add_data(stream)
    assert decode(pieces) == ([("event", "contentBlockDelta", event.payload) for event in reference], True)


def test_exceptions_carry_their_type():
    """An exception frame is told from an event."""
    messages, _ = decode([frame(b"{}", "exception", "throttlingException")])
    assert messages == [("exception", "throttlingException", b"{}")]


def test_headers_of_every_type_are_passed_over():
    """Headers of other types than string do not disturb those that matter."""
    sizes = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    extra = b"".join(b"\x01x" + bytes([kind]) + b"\x00" * size for kind, size in sizes.items())
    extra += b"\x01y\x06\x00\x03abc"
    assert decode([frame(b"ok", extra=extra)])[0] == [("event", "contentBlockDelta", b"ok")]


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_flipped_bit_is_found(payload, data):
    """Any single flipped bit is an error, or leaves the frame unfinished; it never changes a message unseen."""
    whole = frame(payload)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    bad = bytearray(whole)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        decode([bytes(bad)])


def test_a_cut_frame_is_seen_at_the_end():
    """A stream that ends inside a frame is not empty."""
    assert decode([frame(b"whole") + frame(b"cut")[:-1]])[1] is False


@pytest.mark.parametrize(
    "block", [b"\x05ab", b"\x01x\x07\x00\x09abc", b"\x01x\x63", b"\x01x\x07\x00", b"\x02\xff\xfe\x07\x00\x00"]
)
def test_a_header_block_that_makes_no_sense(block):
    """Frames whose checksums hold but whose headers do not are refused."""
    prelude = struct.pack(">II", 16 + len(block), len(block))
    head = prelude + struct.pack(">I", crc32(prelude)) + block
    with pytest.raises(FrameError):
        decode([head + struct.pack(">I", crc32(head))])


def test_lengths_that_make_no_sense():
    """A frame that claims to be smaller than its parts, or absurdly large, is refused at once."""
    for total, headers in ((12, 0), (20, 100), (1 << 31, 0), (200_000, 150_000)):
        prelude = struct.pack(">II", total, headers)
        with pytest.raises(FrameError):
            decode([prelude + struct.pack(">I", crc32(prelude))])
