"""Content encodings: compressed pieces of a body to pieces of what was meant."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final, Protocol

from loadtester.drivers.http.fault import HttpError
from loadtester.model import Outcome

#: The most that is decompressed at once, so that a small body can't become a huge piece of memory.
_PIECE_BYTES: Final = 1 << 18
_GZIP: Final = 16 + zlib.MAX_WBITS
#: deflate is zlib's format by the standard (RFC 9110, 8.4.1.2), without its wrapper by the habit of some servers.
_ZLIB: Final = zlib.MAX_WBITS
_BARE: Final = -zlib.MAX_WBITS
_ZLIB_METHOD: Final = 8


class Decoder(Protocol):
    """Turns what arrives into what was encoded."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Pieces of the content, as far as `data` completes them. Raises HttpError where it is not in the encoding."""

    def end(self) -> None:
        """Check that nothing is missing. Raises HttpError."""


def decoder_for(encoding: bytes) -> Decoder | None:
    """Undoes `encoding`, the value of a Content-Encoding; None where there is nothing to undo.

    Raises HttpError where it is one that was not asked for and is not known.
    """
    name = encoding.strip().lower().decode("latin-1")
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return Inflater(is_gzip=name != "deflate")
    raise HttpError(Outcome.INVALID, "the answer has a content encoding other than gzip and deflate")


class Inflater:
    """gzip (of one or more members) and deflate."""

    __slots__ = ("_has_begun", "_is_gzip", "_stream")

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: Any = zlib.decompressobj(_GZIP) if is_gzip else None
        self._has_begun = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Inflate `data`, at most 256 KiB a piece."""
        if self._stream is None and data:
            is_wrapped = data[0] & 0x0F == _ZLIB_METHOD
            self._stream = zlib.decompressobj(_ZLIB if is_wrapped else _BARE)
        self._has_begun = True
        piece = b""
        # After a full piece there may be more to come of what was already taken in.
        while data or len(piece) == _PIECE_BYTES:
            if self._stream.eof:
                if not data:
                    return
                self._begin_member()
            piece, data = self._inflate(data)
            if piece:
                yield piece

    def end(self) -> None:
        """Check that the last member is complete; an answer without a body has none."""
        if self._has_begun and not self._stream.eof:
            raise HttpError(Outcome.BROKEN, "the compressed answer ends too early")

    def _inflate(self, data: bytes) -> tuple[bytes, bytes]:
        """A piece of content, and what of `data` is still to be looked at."""
        try:
            piece: bytes = self._stream.decompress(data, _PIECE_BYTES)
        except zlib.error as error:
            raise HttpError(Outcome.BROKEN, "the answer is not in the content encoding that it claims") from error
        return piece, self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def _begin_member(self) -> None:
        if not self._is_gzip:
            raise HttpError(Outcome.BROKEN, "the answer goes on after the end of its compressed content")
        self._stream = zlib.decompressobj(_GZIP)
