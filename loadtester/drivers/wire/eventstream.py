"""AWS event-stream frames: bytes in at any split, messages out, checksums held.

A frame is: u32 total length | u32 headers length | crc32 of those 8 bytes | headers | payload | crc32 of all before.
A header is: u8 name length, name, u8 type, value. The format is Amazon's (Transcribe's and Bedrock's developer guides).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from struct import error as struct_error
from zlib import crc32

import msgspec

_PRELUDE = Struct(">III")
_CRC = Struct(">I")
_LENGTH = Struct(">H")

_MAX_HEADERS_BYTES = 128 * 1024
_MAX_PAYLOAD_BYTES = 24 * 1024 * 1024
_OVERHEAD_BYTES = _PRELUDE.size + _CRC.size

#: Bytes of a header value by its type; None: a u16 length comes before it.
_VALUE_BYTES: tuple[int | None, ...] = (0, 0, 1, 2, 4, 8, None, None, 8, 16)
_STRING = 7


class FrameError(ValueError):
    """The bytes are no event stream: a checksum, a length or a header is wrong."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One frame: what kind it is (`event`, `exception` or `error`), of which type, and its payload.

    `error` is the text of a frame of that kind.
    """

    kind: str
    type: str
    payload: bytes
    error: str = ""


class Decoder:
    """Collects bytes and gives whole messages; owns the bytes of a frame that has not arrived whole."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Messages that are whole with `data`. Raises FrameError; the stream can't be read on after it."""
        if self._rest:
            data = self._rest + data
        start, size = 0, len(data)
        self._rest = b""
        while size - start >= _PRELUDE.size:
            total, headers, prelude_crc = _PRELUDE.unpack_from(data, start)
            if crc32(data[start : start + 8]) != prelude_crc:
                raise FrameError("the prelude's checksum is wrong")
            if headers > _MAX_HEADERS_BYTES or not 0 <= total - headers - _OVERHEAD_BYTES <= _MAX_PAYLOAD_BYTES:
                raise FrameError("the frame's lengths make no sense")
            end = start + total
            if end > size:
                break
            yield _message(data, start, end, headers)
            start = end
        self._rest = data[start:]

    @property
    def is_empty(self) -> bool:
        """Whether the stream may end here: no frame is cut."""
        return not self._rest


def _message(data: bytes, start: int, end: int, headers_bytes: int) -> Message:
    if crc32(data[start : end - 4]) != _CRC.unpack_from(data, end - 4)[0]:
        raise FrameError("the frame's checksum is wrong")
    headers_end = start + _PRELUDE.size + headers_bytes
    headers = _headers(data[start + _PRELUDE.size : headers_end])
    kind = headers.get(":message-type", "")
    name = {"event": ":event-type", "exception": ":exception-type"}.get(kind, ":error-code")
    return Message(kind, headers.get(name, ""), data[headers_end : end - 4], headers.get(":error-message", ""))


#: Services repeat a handful of header blocks; each is parsed once.
_known: dict[bytes, dict[str, str]] = {}
_MOST_KNOWN = 256


def _headers(block: bytes) -> dict[str, str]:
    headers = _known.get(block)
    if headers is None:
        headers = _parsed(block)
        if len(_known) < _MOST_KNOWN:
            _known[block] = headers
    return headers


def _parsed(block: bytes) -> dict[str, str]:
    """The string headers of a block."""
    headers: dict[str, str] = {}
    position = 0
    try:
        while position < len(block):
            name_end = position + 1 + block[position]
            name = block[position + 1 : name_end].decode()
            kind = block[name_end]
            position = name_end + 1
            length = _VALUE_BYTES[kind]
            if length is None:
                (length,) = _LENGTH.unpack_from(block, position)
                position += _LENGTH.size
            if position + length > len(block):
                raise FrameError("a header is longer than its block")
            if kind == _STRING:
                headers[name] = block[position : position + length].decode()
            position += length
    except (IndexError, UnicodeDecodeError, struct_error) as error:
        raise FrameError("a header can't be read") from error
    return headers
