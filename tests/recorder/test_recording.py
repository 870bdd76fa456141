"""Recordings add up: processes, machines and files are one code path."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording, count_ns, recording

KEYS = [CellKey("q", "ai", "m", "m", Outcome.OK), CellKey("q", "ai", "m", "", Outcome.THROTTLED)]
SERIES = [Series("latency", "q", "ai", "m", is_ok=True), Series("ttft", "q", "ai", "m", is_ok=True)]

cells = st.dictionaries(
    st.sampled_from(KEYS),
    st.builds(
        Cell,
        count=st.integers(0, 9),
        sent=st.integers(0, 9),
        input=st.integers(0, 99),
        usd=st.decimals(0, 1, places=6),
    ),
)
counts = st.dictionaries(
    st.sampled_from(SERIES),
    st.lists(st.integers(0, 10**13), min_size=1, max_size=5).map(lambda values: count_ns(np.array(values))),
)
intervals = st.builds(
    Interval,
    second=st.integers(0, 3),
    planned=st.integers(0, 9),
    sent=st.integers(0, 9),
    in_flight=st.integers(0, 9),
    stall_s=st.sampled_from([0.0, 0.5, 1.0]),
    cells=cells,
    counts=counts,
    warm_planned=st.integers(0, 9),
    warm_sent=st.integers(0, 9),
    warm=cells,
)
recordings = st.lists(intervals, max_size=4).map(recording)


def _plain(run):
    return [
        (
            second.second,
            second.planned,
            second.sent,
            second.in_flight,
            second.stall_s,
            dict(second.cells),
            (second.warm_planned, second.warm_sent, dict(second.warm)),
            {key: (part.indices.tolist(), part.counts.tolist(), part.clipped) for key, part in second.counts.items()},
        )
        for second in run.intervals
    ]


@given(recordings, recordings, recordings)
def test_merge_is_associative(a, b, c):
    """How shards are grouped does not matter."""
    assert _plain(a.merge(b).merge(c)) == _plain(a.merge(b.merge(c)))


@given(recordings)
def test_the_empty_recording_is_the_identity(a):
    """Merging with nothing changes nothing."""
    assert _plain(a.merge(Recording())) == _plain(Recording().merge(a)) == _plain(a)


@given(recordings, recordings)
def test_totals_of_a_merge_are_the_sums_of_totals(a, b):
    """Counters and histograms of the whole are the sums of those of the parts."""
    merged, left, right = a.merge(b).cells(), a.cells(), b.cells()
    for key in KEYS:
        for name in ("count", "sent", "input", "usd"):
            parts = [getattr(part[key], name) for part in (left, right) if key in part]
            assert (getattr(merged[key], name) if key in merged else 0) == sum(parts, Decimal(0))
    whole = a.merge(b).histograms()
    for series in SERIES:
        parts = [part.histograms()[series].total for part in (a, b) if series in part.histograms()]
        assert (whole[series].total if series in whole else 0) == sum(parts)


@given(recordings, recordings)
def test_warm_ups_of_workers_add_up(a, b):
    """The merged run's warm-up has what each had of it, and the measured part has none of it."""
    both = a.merge(b)
    for name in ("warm_planned", "warm_sent"):
        assert sum(getattr(one, name) for one in both.intervals) == sum(
            getattr(one, name) for run in (a, b) for one in run.intervals
        )
    for key in KEYS:
        for part in (Recording.warm, Recording.cells):
            each = [part(run).get(key, Cell()) for run in (a, b)]
            assert part(both).get(key, Cell()) == each[0].merge(each[1])
