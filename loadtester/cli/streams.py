"""Standard output that is written whole."""

from __future__ import annotations

import io
import sys
from typing import TextIO


def buffered(stream: TextIO) -> TextIO:
    """The stream itself, or, where it has no buffer (PYTHONUNBUFFERED), one on top of it that writes each line at once.

    A write to a bare pipe may take a part of what it is given, when a signal comes, and nobody would send the rest.
    """
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=True)


def write_whole() -> None:
    """Let what is printed from here on come whole, however slowly it is read."""
    sys.stdout, sys.stderr = buffered(sys.stdout), buffered(sys.stderr)
