"""Parquet, through pyarrow (`fmload[parquet]`): the requests of a run, a row each, and its seconds."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from loadtester.errors import Exit, FmloadError
from loadtester.reporters.tables import Row

if TYPE_CHECKING:
    from types import ModuleType

#: Lines that are held at once.
_GROUP: Final = 50_000

#: Columns of whole numbers, besides those of moments and of tokens.
_WHOLE: Final = frozenset({"id", "turn", "worker", "chunks", "bytes", "held", "tokens_estimated", "attempts", "warmup"})


def require_pyarrow() -> ModuleType:
    """The library. Raises FmloadError, with how to install it, where it is missing."""
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.csv  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise FmloadError(
            "--report parquet needs pyarrow", remedy="pip install 'fmload[parquet]'", code=Exit.USAGE
        ) from error
    library: ModuleType = pa
    return library


def requests_parquet(lines: Iterable[str]) -> Iterator[bytes]:
    """The lines of requests.csv as a Parquet file, piece by piece, whatever their number; empty fields are null."""
    pa = require_pyarrow()
    rest = iter(lines)
    head = next(rest, None)
    if head is None:
        return
    schema = pa.schema([(name, _type(pa, name)) for name in head.split(",")])
    reading = pa.csv.ReadOptions(column_names=schema.names)
    converting = pa.csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    out = _Pieces()
    with pa.parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(rest, _GROUP)):
            text = ("\n".join(group) + "\n").encode()
            table = pa.csv.read_csv(io.BytesIO(text), read_options=reading, convert_options=converting)
            writer.write_table(table)
            yield out.take()
    yield out.take()


def rows_parquet(rows: Iterable[Row]) -> bytes:
    """Rows of the same columns as a Parquet file; money as doubles."""
    pa = require_pyarrow()
    plain = [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()} for row in rows
    ]
    out = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(plain), out, compression="zstd")
    return out.getvalue()


def _type(pa: Any, name: str) -> Any:
    if name in _WHOLE or name.endswith(("_ns", "_tokens")):
        return pa.int64()
    return pa.float64() if name.endswith("_usd") else pa.string()


class _Pieces(io.RawIOBase):
    """A file that is only written to; owns what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self._size_bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size_bytes

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written.append(piece)
        self._size_bytes += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._written)
        self._written.clear()
        return taken
