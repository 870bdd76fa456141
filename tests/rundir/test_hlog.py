"""Log lines, held to the `hdrhistogram` package's own."""

import gc

import numpy as np
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from loadtester.model import Series
from loadtester.recorder import Counts, buckets, count_ns
from loadtester.rundir.hlog import log_line, read_lines

SERIES = Series("latency", "q", "ai", "m", is_ok=True)
#: Where an hour is counted, and all that is longer.
HIGHEST = int(buckets.index_of(np.array([buckets.HIGHEST_US]))[0])
COUNTED = st.dictionaries(st.integers(0, HIGHEST), st.integers(1, 2**40), min_size=1, max_size=40)


def counts_of(counted):
    indices = np.array(sorted(counted))
    return Counts(indices, np.array([counted[index] for index in indices]))


@given(COUNTED)
@example({0: 1})
@example({1: 1, 3: 64, 4: 63, 70: 8191, 72: 8192})
@example({HIGHEST: 1})
def test_lines_are_the_packages_own(counted):
    """The histogram in a line is what the package's encoder makes of the same counts, byte for byte."""
    line = log_line(7, SERIES, counts_of(counted))
    theirs = HdrHistogram(buckets.LOWEST_US, buckets.HIGHEST_US, buckets.DIGITS)
    dense = np.frombuffer(theirs.encoder.get_counts(), dtype=np.int64)
    for index, count in counted.items():
        dense[index] = count
    top_us = int(buckets.highest_us(np.array([max(counted)]))[0])
    theirs.total_count, theirs.max_value = sum(counted.values()), min(top_us, buckets.HIGHEST_US)
    assert line.rstrip().rsplit(",", 1)[1] == theirs.encode().decode()


@given(COUNTED)
def test_lines_are_read_back(counted):
    """Second, series and counts come back."""
    (batch,) = read_lines([log_line(7, SERIES, counts_of(counted)).encode()])
    assert (batch.seconds, batch.series, batch.clipped, batch.edges.tolist()) == ([7], [SERIES], [0], [0, len(counted)])
    assert dict(zip(batch.indices.tolist(), batch.counts.tolist(), strict=True)) == counted


@given(COUNTED, COUNTED)
def test_lines_of_other_writers_are_read_among_our_own(ours, theirs):
    """A histogram that another writer coded in its own way, its highest value not the last count, comes back too."""
    log = HdrHistogram(buckets.LOWEST_US, 2 * buckets.HIGHEST_US // 3, buckets.DIGITS)
    theirs = {index: count for index, count in theirs.items() if index < HIGHEST - 1_024}
    for index, count in theirs.items():
        log.record_value(int(buckets.lowest_us(np.array([index]))[0]), count)
    other = f"Tag=latency|query=q|kind=ai|model=m|outcome=ok,8.000,1.000,0.1,{log.encode().decode()}\n"
    (batch,) = read_lines([log_line(7, SERIES, counts_of(ours)).encode(), other.encode()])
    start, end = batch.edges[1:]
    seen = dict(zip(batch.indices[start:end].tolist(), batch.counts[start:end].tolist(), strict=True))
    assert seen == theirs
    assert batch.totals() == [sum(ours.values()), log.get_total_count()]


def test_a_line_leaves_nothing_for_the_collector():
    """A run keeps the collector quiet, so a second's lines may not leave rings behind, however long each is."""
    log_line(0, SERIES, count_ns(np.arange(1, 100)))
    gc.collect()
    gc.disable()
    try:
        for line in range(100):
            log_line(line, SERIES, count_ns(np.arange(1, 100 + 17 * line) * 100_000))
        assert gc.collect() < 10
    finally:
        gc.enable()
