"""target_app.bedrock.eventstream: frames that AWS's own decoder reads back."""

from __future__ import annotations

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock import eventstream


@given(
    st.lists(st.tuples(st.sampled_from(["chunk", "contentBlockDelta"]), st.binary(max_size=300)), max_size=5), st.data()
)
def test_botocore_reads_back_every_frame_at_every_split(frames, data):
    """Checksums, lengths and headers hold, however the bytes are cut on the way."""
    stream = b"".join(eventstream.event(kind, payload) for kind, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    buffer, read = EventStreamBuffer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer.add_data(stream[start:end])
        read.extend((message.headers[":event-type"], message.payload) for message in buffer)
    assert read == frames


def test_headers_come_in_the_service_s_order():
    """`:event-type`, `:content-type`, `:message-type`, each a string."""
    buffer = EventStreamBuffer()
    buffer.add_data(eventstream.event("metadata", b"{}"))
    assert list(next(buffer).headers.items()) == [
        (":event-type", "metadata"),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ]


def test_an_exception_says_so_in_its_headers():
    """An error inside a stream is told apart by `:message-type` and named by `:exception-type`."""
    buffer = EventStreamBuffer()
    buffer.add_data(eventstream.exception("throttlingException", b'{"message":"no"}'))
    message = next(buffer).to_response_dict()
    assert message["status_code"] == 400
    assert message["headers"][":message-type"] == "exception"
    assert message["headers"][":exception-type"] == "throttlingException"
    assert message["body"] == b'{"message":"no"}'


def test_a_payload_over_the_format_s_limit_is_refused():
    """Nothing is framed that no decoder would take."""
    with pytest.raises(ValueError, match="payload"):
        eventstream.event("chunk", bytes(eventstream.MAX_PAYLOAD_BYTES + 1))
