"""intervals.hlog: HdrHistogram's log format 1.3, one line per second and series, readable by the standard tools.

The format is HdrHistogram's (github.com/HdrHistogram/HdrHistogram, HistogramLogWriter). The compressed histograms are
encoded here, from sparse counts, as its V2 encoding has them, and decoded here too; those of other writers are decoded
by the `hdrhistogram` package, whose own encoder leaves kilobytes behind with each call.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from struct import Struct
from typing import Final
from urllib.parse import quote, unquote

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from loadtester.model import Series
from loadtester.recorder import Counts, buckets

#: Cookie, length, offset, digits, lowest and highest value, conversion ratio; then cookie and length of what is packed.
_PAYLOAD: Final = Struct(">iiiiqqd")
_OUTER: Final = Struct(">ii")
_V2_COOKIE: Final = 0x1C849313
_V2_COMPRESSED_COOKIE: Final = 0x1C849314
_RATIO: Final = 1.0

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


def read_lines(text: str) -> Iterator[tuple[int, Series, Counts]]:
    """Second, series and counts of each whole line; a last line cut short is left out.

    Raises ValueError, naming the line, where a line inside the file can't be read.
    """
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if line.startswith(("#", '"')) or not line.strip():
            continue
        if not line.endswith("\n"):
            return
        try:
            yield _parsed(line)
        except Exception as error:  # the package raises its own, zlib's, base64's and plain ones
            raise ValueError(f"line {number}: {type(error).__name__}") from error


def _parsed(line: str) -> tuple[int, Series, Counts]:
    tag, start, _length, _max, payload = line.rstrip("\n").split(",")
    series, clipped = _series(tag.removeprefix("Tag="))
    counts = _decoded(payload)
    if counts is not None:
        return round(float(start)), series, Counts(*counts, clipped)
    histogram = HdrHistogram.decode(payload)
    dense = np.frombuffer(histogram.encoder.get_counts(), dtype=np.int64)
    if (histogram.lowest_trackable_value, len(dense)) != (buckets.LOWEST_US, buckets.SIZE):
        raise ValueError("the histogram has another shape")
    indices = np.flatnonzero(dense)
    return round(float(start)), series, Counts(indices, dense[indices].copy(), clipped)


def _decoded(payload: str) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Indices and counts of a histogram encoded as `_encoded` does; None of any other, which the package may know.

    In a tenth of the package's time, which makes dense arrays of tens of thousands of buckets.
    """
    packed = b64decode(payload, validate=True)
    cookie, length = _OUTER.unpack_from(packed)
    if cookie != _V2_COMPRESSED_COOKIE or length != len(packed) - _OUTER.size:
        return None
    whole = zlib.decompress(packed[_OUTER.size :])
    head = _PAYLOAD.unpack_from(whole)
    if head != (
        _V2_COOKIE,
        len(whole) - _PAYLOAD.size,
        0,
        buckets.DIGITS,
        buckets.LOWEST_US,
        buckets.HIGHEST_US,
        _RATIO,
    ):
        return None
    values = _unpacked(np.frombuffer(whole, dtype=np.uint8, offset=_PAYLOAD.size))
    steps = np.where(values < 0, -values, 1)
    places = np.cumsum(steps) - steps
    used = values > 0
    indices = places[used]
    if len(indices) and indices[-1] >= buckets.SIZE:
        return None
    return indices, values[used]


def _unpacked(coded: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The values of `_varints`."""
    ends = np.flatnonzero(coded < 0x80)  # noqa: PLR2004  the eighth bit, which says that more follow
    starts = np.concatenate(([0], ends[:-1] + 1))
    place = np.arange(len(coded)) - np.repeat(starts, np.diff(np.append(starts, len(coded))))
    bits = (coded & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    found = np.add.reduceat(bits, starts)
    values: NDArray[np.int64] = (found >> np.uint64(1)).view(np.int64) ^ -(found & np.uint64(1)).view(np.int64)
    return values


def _encoded(counts: Counts) -> str:
    """The histogram in V2 encoding, compressed, in base64."""
    body = _varints(_runs(counts))
    head = _PAYLOAD.pack(_V2_COOKIE, len(body), 0, buckets.DIGITS, buckets.LOWEST_US, buckets.HIGHEST_US, _RATIO)
    packed = zlib.compress(head + body)
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


def _series(tag: str) -> tuple[Series, int]:
    metric, *pairs = tag.split("|")
    values = dict(pair.split("=", 1) for pair in pairs)
    series = Series(
        metric, unquote(values["query"]), unquote(values["kind"]), unquote(values["model"]), values["outcome"] == "ok"
    )
    return series, int(values.get("clipped", 0))
