"""intervals.hlog: HdrHistogram's log format 1.3, one line per second and series, readable by the standard tools.

The format is HdrHistogram's (github.com/HdrHistogram/HdrHistogram, HistogramLogWriter); the compressed histograms are
encoded and decoded by the `hdrhistogram` package.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

import numpy as np
from hdrh.histogram import HdrHistogram

from loadtester.model import Series
from loadtester.recorder import Counts, buckets

_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def header(started_at_s: float, started_at: str) -> str:
    """The log's first lines; `started_at_s` in seconds since the epoch."""
    return (
        "#[Histogram log format version 1.3]\n"
        f"#[StartTime: {started_at_s:.3f} (seconds since epoch), {started_at}]\n"
        "#[Values are in microseconds; Interval_Max is in milliseconds]\n"
        f"{_LEGEND}\n"
    )


class HlogEncoder:
    """Turns counts into log lines; keeps one histogram as its scratch space."""

    def __init__(self) -> None:
        self._scratch = _histogram()
        self._counts = np.frombuffer(self._scratch.encoder.get_counts(), dtype=np.int64)

    def line(self, second: int, series: Series, counts: Counts) -> str:
        """The line of one series in one second, with its line end; `counts` must not be empty."""
        top_us = int(buckets.highest_us(counts.indices[-1:])[0])
        self._counts[counts.indices] = counts.counts
        self._scratch.total_count = counts.total
        self._scratch.max_value = min(top_us, buckets.HIGHEST_US)
        text = self._scratch.encode().decode("ascii")
        self._counts[counts.indices] = 0
        return f"Tag={_tag(series, counts.clipped)},{second}.000,1.000,{top_us / 1000:.3f},{text}\n"


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
    histogram = HdrHistogram.decode(payload)
    dense = np.frombuffer(histogram.encoder.get_counts(), dtype=np.int64)
    if (histogram.lowest_trackable_value, len(dense)) != (buckets.LOWEST_US, buckets.SIZE):
        raise ValueError("the histogram has another shape")
    indices = np.flatnonzero(dense)
    return round(float(start)), series, Counts(indices, dense[indices].copy(), clipped)


def _histogram() -> HdrHistogram:
    return HdrHistogram(buckets.LOWEST_US, buckets.HIGHEST_US, buckets.DIGITS)


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
