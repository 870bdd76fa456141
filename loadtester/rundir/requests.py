"""Reads requests.csv.gz back, a piece at a time: a run of ten millions takes no more memory than a short one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pandas import DataFrame

_GZIP: Final = 31
_PIECE_BYTES: Final = 1 << 16
#: Of a table's text: a hundred thousand rows, about.
_BLOCK_BYTES: Final = 1 << 24


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


def request_tables(pieces: Iterable[str], kinds_at: Callable[[int], Mapping[str, str]]) -> Iterator[DataFrame]:
    """The rows of requests.csv in tables of about a hundred thousand, from pieces of its text, each of whole lines.

    `kinds_at` says for the row that a table begins with which columns are wanted, and of which type, "category" or
    "float64", each is; those that aren't there are left out. In numbers, nothing is nan. Raises ValueError where the
    text is no such table.
    """
    import pandas as pd  # noqa: PLC0415  heavy, and only reports and bills need it

    n_rows = 0
    for block in _blocks(pieces):
        kinds = kinds_at(n_rows)
        table = pd.read_csv(
            block,
            usecols=kinds.__contains__,
            dtype=dict(kinds),
            keep_default_na=False,
            na_values={name: [""] for name, kind in kinds.items() if kind == "float64"},
            index_col=False,
        )
        n_rows += len(table)
        yield table


def _blocks(pieces: Iterable[str]) -> Iterator[BytesIO]:
    """The pieces, several together, each time under the names of the columns; the last line may lack its end."""
    names, held, size = b"", [], 0
    for piece in pieces:
        text = piece.encode()
        if not names:
            names, _, text = text.partition(b"\n")
        held.append(text if not text or text.endswith(b"\n") else text + b"\n")
        size += len(text)
        if size >= _BLOCK_BYTES:
            yield BytesIO(b"".join((names, b"\n", *held)))
            held, size = [], 0
    if names and size:
        yield BytesIO(b"".join((names, b"\n", *held)))
