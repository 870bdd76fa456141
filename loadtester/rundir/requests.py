"""Reads requests.csv.gz back, a piece at a time: a run of ten millions takes no more memory than a short one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_GZIP: Final = 31
_PIECE_BYTES: Final = 1 << 16


def request_text(directory: Path) -> Iterator[str]:
    """The text of requests.csv.gz, the names of its columns first, in whole lines; what follows a cut is left out."""
    with (directory / "requests.csv.gz").open("rb") as file:
        member, pieces = zlib.decompressobj(_GZIP), []
        while data := file.read(_PIECE_BYTES):
            while data:
                try:
                    pieces.append(member.decompress(data))
                except zlib.error:
                    return
                data = member.unused_data
                if member.eof:
                    # Only a member that is there whole ends with a whole line.
                    yield b"".join(pieces).decode("utf-8")
                    member, pieces = zlib.decompressobj(_GZIP), []


def request_lines(directory: Path) -> Iterator[str]:
    """As `request_text`, line by line, without their ends."""
    for text in request_text(directory):
        yield from text.splitlines()


class TextFile:
    """Pieces of text, each of whole lines, as a file that pandas reads from; the last line of a piece may lack its end.

    Owns what it has not yet given away.
    """

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    def read(self, _size: int = -1) -> str:
        """The next piece; nothing at the end."""
        piece = next(self._pieces, "")
        return piece if not piece or piece.endswith("\n") else f"{piece}\n"
