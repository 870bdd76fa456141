"""merged.hlog: one HdrHistogram a series for the whole run, in the log format of the standard tools."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from loadtester.analysis import Report
from loadtester.recorder import Counts, Recording
from loadtester.rundir import hlog


def merged_hlog(report: Report, run: Recording) -> Iterator[bytes]:
    """The log's lines: values in microseconds, each series tagged as in intervals.hlog."""
    started_at = str(report.manifest["started_at"])
    yield hlog.header(datetime.fromisoformat(started_at).timestamp(), started_at).encode()
    seconds = run.intervals[-1].second + 1 if run.intervals else 0
    for series, histogram in sorted(run.histograms().items()):
        used = np.flatnonzero(histogram.counts)
        if len(used):
            counts = Counts(used, histogram.counts[used], histogram.clipped)
            yield hlog.log_line(0, series, counts, length_s=seconds).encode()
