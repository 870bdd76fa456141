"""ConverseStream's events off the wire: what of them an answer is made of.

aiobotocore's own iterator takes each event apart by the service model, in Python: that was half of what a streamed turn
cost. The framing, `application/vnd.amazon.eventstream`: u32 total length | u32 headers' length | u32 CRC-32 of those 8
bytes | headers | payload | u32 CRC-32 of all before; a header is u8 name length, name, u8 type (7, a string), u16 value
length, value. Numbers are big-endian.
"""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Final

import msgspec
from botocore.eventstream import ParserError
from botocore.exceptions import EventStreamError

from target_app.model_errors import mapped

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_STRING: Final = 7
#: The largest message that AWS sends.
_MAX_BYTES: Final = 25 * 1024 * 1024


class _Delta(msgspec.Struct, frozen=True):
    text: str = ""


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """One event: a piece of text, why the answer ended, or, with its metrics, its usage and trace."""

    delta: _Delta = _Delta()
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Event)


async def batches(stream: Any) -> AsyncGenerator[Iterator[Event], None]:
    """The events of an aioboto3 event stream, as they come: those of one read together. Raises ChatError."""
    waiting = bytearray()
    chunks = aiter(stream._raw_stream.content.iter_any())  # noqa: SLF001  there is no public way to the bytes
    while (chunk := await _next(chunks)) is not None:
        waiting += chunk
        yield events(waiting)


def events(waiting: bytearray) -> Iterator[Event]:
    """The events that are complete, taken out of `waiting`. Raises ChatError where one isn't one, or is an error."""
    while True:
        with mapped():
            message = _taken(waiting)
            if message is None:
                return
            event = _decoded(*message)
        yield event


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    with mapped():
        return await anext(chunks, None)


def _taken(waiting: bytearray) -> tuple[bytes, bytes] | None:
    """The headers and the payload of the first message, None where it isn't whole yet. Raises ParserError."""
    if len(waiting) < _PRELUDE.size:
        return None
    size, headers_size, checksum = _PRELUDE.unpack_from(waiting)
    if zlib.crc32(waiting[:8]) != checksum or not _PRELUDE.size + headers_size + _CRC.size <= size <= _MAX_BYTES:
        raise ParserError("a message's prelude is damaged")
    if len(waiting) < size:
        return None
    message = bytes(waiting[:size])
    del waiting[:size]
    if zlib.crc32(message[: -_CRC.size]) != _CRC.unpack_from(message, size - _CRC.size)[0]:
        raise ParserError("a message is damaged")
    begin = _PRELUDE.size + headers_size
    return message[_PRELUDE.size : begin], message[begin : -_CRC.size]


def _decoded(headers: bytes, payload: bytes) -> Event:
    """Raises EventStreamError for an error in the stream, ParserError for what is no event."""
    named = _named(headers)
    try:
        if named.get(":message-type") == "event":
            return _decoder.decode(payload)
        words = msgspec.json.decode(payload or b"{}", type=dict[str, Any]).get("message")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParserError(str(error)) from error
    code = named.get(":exception-type") or named.get(":error-code", "")
    fault: Any = {"Code": code, "Message": words or named.get(":error-message", "")}
    raise EventStreamError({"Error": fault}, "ConverseStream")


@functools.lru_cache(64)
def _named(headers: bytes) -> dict[str, str]:
    """The headers by name; Bedrock sends a handful of different ones. Raises ParserError."""
    named, at = {}, 0
    try:
        while at < len(headers):
            value_at = at + 1 + headers[at]
            name = headers[at + 1 : value_at].decode()
            kind, size = struct.unpack_from(">BH", headers, value_at)
            at = value_at + 3 + size
            if kind != _STRING or at > len(headers):
                raise ParserError("a header is no string")
            named[name] = headers[value_at + 3 : at].decode()
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ParserError("the headers are damaged") from error
    return named
