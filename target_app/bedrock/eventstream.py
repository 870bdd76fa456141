"""Encoder of `application/vnd.amazon.eventstream`: messages of typed headers and a payload, each with two checksums.

u32 total length | u32 headers' length | u32 CRC-32 of those 8 bytes | headers | payload | u32 CRC-32 of all before;
a header is u8 name length, name, u8 type (7, a string), u16 value length, value. Numbers are big-endian.
"""

from __future__ import annotations

import functools
import struct
import zlib

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
MAX_PAYLOAD_BYTES = 24 * 1024 * 1024

_STRING = 7
_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_OVERHEAD_BYTES = _PRELUDE.size + 2 * _CRC.size


def event(kind: str, payload: bytes) -> bytes:
    """Frame an event of `kind` with a JSON payload."""
    return _frame(_headers(":event-type", kind, "event"), payload)


def exception(kind: str, payload: bytes) -> bytes:
    """Frame an error that ends the stream, such as `throttlingException`, with its JSON payload."""
    return _frame(_headers(":exception-type", kind, "exception"), payload)


def _frame(headers: bytes, payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes is more than the format's {MAX_PAYLOAD_BYTES}")
    prelude = _PRELUDE.pack(_OVERHEAD_BYTES + len(headers) + len(payload), len(headers))
    message = prelude + _CRC.pack(zlib.crc32(prelude)) + headers + payload
    return message + _CRC.pack(zlib.crc32(message))


@functools.cache
def _headers(type_header: str, kind: str, message_type: str) -> bytes:
    """Encode a message's headers; there are as many different ones as kinds of event."""
    return (
        _header(type_header, kind)
        + _header(":content-type", "application/json")
        + _header(":message-type", message_type)
    )


def _header(name: str, value: str) -> bytes:
    return b"%c%b%c%b%b" % (len(name), name.encode(), _STRING, struct.pack(">H", len(value)), value.encode())
