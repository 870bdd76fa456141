"""intervals.hlog: HdrHistogram's log format 1.3, one line per second and series, readable by the standard tools.

The format is HdrHistogram's (github.com/HdrHistogram/HdrHistogram, HistogramLogWriter). The compressed histograms are
encoded here, from sparse counts, as its V2 encoding has them, and decoded here too; those of other writers are decoded
by the `hdrhistogram` package, whose own encoder leaves kilobytes behind with each call.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from struct import Struct
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from loadtester.model import Series
from loadtester.recorder import Batch, Counts, buckets

#: Cookie, length, offset, digits, lowest and highest value, conversion ratio; then cookie and length of what is packed.
_PAYLOAD: Final = Struct(">iiiiqqd")
_OUTER: Final = Struct(">ii")
_V2_COOKIE: Final = 0x1C849313
_V2_COMPRESSED_COOKIE: Final = 0x1C849314
_RATIO: Final = 1.0
#: Lines that are decoded at once, and bytes that one's values usually fit into.
_BATCH: Final = 1_024
_BODY_BYTES: Final = 1_024

#: What every line of a histogram begins with here.
_TAG: Final = b"Tag="
#: Of a line: tag, start, length, highest value, histogram.
_FIELDS: Final = 5

_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def header(started_at_s: float, started_at: str) -> str:
    """The log's first lines; `started_at_s` in seconds since the epoch."""
    return (
        "#[Histogram log format version 1.3]\n"
        f"#[StartTime: {started_at_s:.3f} (seconds since epoch), {started_at}]\n"
        "#[Values are in microseconds; Interval_Max is in milliseconds]\n"
        f"{_LEGEND}\n"
    )


def log_line(second: int, series: Series, counts: Counts, *, length_s: int = 1) -> str:
    """The line of one series in `length_s` seconds, with its line end; `counts` must not be empty."""
    top_us = int(buckets.highest_us(counts.indices[-1:])[0])
    return f"Tag={_tag(series, counts.clipped)},{second}.000,{length_s}.000,{top_us / 1000:.3f},{_encoded(counts)}\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Batch]:
    """The histograms of all whole lines, of an open file, say; a last line cut short is left out.

    Raises ValueError, naming the line, where a line inside the file can't be read.
    """
    series_of = lru_cache(maxsize=None)(_series)
    batch: list[_Line] = []
    for number, line in enumerate(lines, start=1):
        if not line.startswith(_TAG) and (line.startswith((b"#", b'"')) or not line.strip()):
            continue
        if not line.endswith(b"\n"):
            break
        try:
            batch.append(_parsed(line, series_of))
        except Exception as error:  # the package raises its own, zlib's, base64's and plain ones
            raise ValueError(f"line {number}: {_reason(line)}") from error
        if len(batch) == _BATCH:
            yield _counted(batch)
            batch = []
    if batch:
        yield _counted(batch)


def _reason(line: bytes) -> str:
    """What is wrong with a line that could not be read, in words."""
    fields = line.rstrip(b"\n").split(b",")
    if len(fields) != _FIELDS:
        return f"{len(fields)} fields, where a line has {_FIELDS}: tag, start, length, highest value, histogram"
    try:
        _series(fields[0])
    except Exception:  # noqa: BLE001  whatever it is, the tag is at fault
        return "its tag names no series"
    try:
        round(float(fields[1]))
    except (ValueError, OverflowError):
        return "its start is no number of seconds"
    return "its histogram was cut or changed"


class _Line(NamedTuple):
    """A line whose counts are still coded: minus the number of empty buckets, or a count, one after the other."""

    second: int
    series: Series
    clipped: int
    coded: bytes


def _parsed(line: bytes, series_of: Callable[[bytes], tuple[Series, int]]) -> _Line:
    tag, start, _length, _max, payload = line[:-1].split(b",")
    series, clipped = series_of(tag)
    packed = a2b_base64(payload, strict_mode=True)
    return _Line(round(float(start)), series, clipped, _body(packed) or _recoded(payload))


def _recoded(payload: bytes) -> bytes:
    """What another writer coded in its own way, as it is coded here; raises ValueError where it has another shape."""
    histogram = HdrHistogram.decode(payload)
    dense = np.frombuffer(histogram.encoder.get_counts(), dtype=np.int64)
    if (histogram.lowest_trackable_value, len(dense)) != (buckets.LOWEST_US, buckets.SIZE):
        raise ValueError("the histogram has another shape")
    indices = np.flatnonzero(dense)
    return _varints(_runs(Counts(indices, dense[indices]))) if len(indices) else b""


def _body(packed: bytes) -> bytes | None:
    """The values of a histogram coded as `_encoded` does, still as varints; None of any other, which the package knows.

    Where the last value is cut, or a value has more bytes than a number, it is the package that says so.
    """
    if packed[: _OUTER.size] != _OUTER.pack(_V2_COMPRESSED_COOKIE, len(packed) - _OUTER.size):
        return None
    whole = zlib.decompress(packed[_OUTER.size :], bufsize=_BODY_BYTES)
    coded = whole[_PAYLOAD.size :]
    if whole[: _PAYLOAD.size] != _head(len(coded)) or not coded or coded[-1] >= 0x80:  # noqa: PLR2004  more would follow
        return None
    return coded


def _counted(batch: Sequence[_Line]) -> Batch:
    """Decodes all lines of a batch at once: an array operation costs as much for one line as for hundreds."""
    values, ends = _unpacked([line.coded for line in batch])
    steps = np.where(values < 0, -values, 1)
    reach = np.concatenate(([0], np.cumsum(steps)))
    starts = np.concatenate(([0], ends[:-1]))
    places = reach[:-1] - np.repeat(reach[starts], ends - starts)
    is_used = values > 0
    edges = np.concatenate(([0], np.cumsum(is_used)))[np.concatenate(([0], ends))]
    indices = places[is_used]
    if (wrong := np.flatnonzero(indices >= buckets.SIZE)).size:
        line = batch[int(np.searchsorted(edges, wrong[0], "right")) - 1]
        raise ValueError(f"second {line.second}: a histogram has another shape")
    return Batch(
        [line.second for line in batch],
        [line.series for line in batch],
        [line.clipped for line in batch],
        edges,
        indices,
        values[is_used],
    )


def _unpacked(bodies: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values of `_varints` of all bodies, one after the other, and where in them each body ends."""
    coded = np.frombuffer(b"".join(bodies), dtype=np.uint8)
    lasts = np.flatnonzero(coded < 0x80)  # noqa: PLR2004  the eighth bit, which says that more follow
    starts = np.concatenate(([0], lasts[:-1] + 1))[: len(lasts)]
    sizes = lasts - starts + 1
    bits = (coded[starts] & 0x7F).astype(np.uint64)
    for place in range(1, int(sizes.max(initial=1))):
        longer = np.flatnonzero(sizes > place)
        bits[longer] |= (coded[starts[longer] + place] & 0x7F).astype(np.uint64) << np.uint64(7 * place)
    values: NDArray[np.int64] = (bits >> np.uint64(1)).view(np.int64) ^ -(bits & np.uint64(1)).view(np.int64)
    reach = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    return values, np.searchsorted(lasts, reach)


@cache
def _head(size_bytes: int) -> bytes:
    return _PAYLOAD.pack(_V2_COOKIE, size_bytes, 0, buckets.DIGITS, buckets.LOWEST_US, buckets.HIGHEST_US, _RATIO)


def _encoded(counts: Counts) -> str:
    """The histogram in V2 encoding, compressed, in base64."""
    body = _varints(_runs(counts))
    packed = zlib.compress(_head(len(body)) + body)
    return b64encode(_OUTER.pack(_V2_COMPRESSED_COOKIE, len(packed)) + packed).decode("ascii")


def _runs(counts: Counts) -> NDArray[np.int64]:
    """Each count, after what stands for the empty buckets before it: minus their number."""
    empty = np.diff(counts.indices, prepend=-1) - 1
    values = np.empty(2 * len(empty), dtype=np.int64)
    values[0::2] = -empty
    values[1::2] = counts.counts
    is_there = np.ones(len(values), dtype=np.bool_)
    is_there[0::2] = empty > 0
    return values[is_there]


def _varints(values: NDArray[np.int64]) -> bytes:
    """The values as zigzag LEB128: seven bits a byte, the lowest first, the eighth says that more follow."""
    left = ((values << 1) ^ (values >> 63)).view(np.uint64)
    columns, are_there = [], []
    is_there = np.ones(len(left), dtype=np.bool_)
    while is_there.any():
        rest = left >> np.uint64(7)
        columns.append((left & np.uint64(0x7F)) | np.where(rest > 0, np.uint64(0x80), np.uint64(0)))
        are_there.append(is_there)
        left, is_there = rest, rest > 0
    return np.stack(columns, axis=1).astype(np.uint8)[np.stack(are_there, axis=1)].tobytes()


def _tag(series: Series, clipped: int) -> str:
    parts = (
        series.metric,
        f"query={quote(series.query, safe='')}",
        f"kind={quote(series.kind, safe='')}",
        f"model={quote(series.model, safe=':/.')}",
        f"outcome={'ok' if series.is_ok else 'other'}",
    )
    return "|".join((*parts, f"clipped={clipped}") if clipped else parts)


def _series(tag: bytes) -> tuple[Series, int]:
    metric, *pairs = tag.decode().removeprefix("Tag=").split("|")
    values = dict(pair.split("=", 1) for pair in pairs)
    series = Series(
        metric, unquote(values["query"]), unquote(values["kind"]), unquote(values["model"]), values["outcome"] == "ok"
    )
    return series, int(values.get("clipped", 0))
