"""Columns hold what seconds hold, and hand it out again, whole and in parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.model import Series
from loadtester.recorder import Counts, Interval, OneSecond, buckets, count_ns, recording, together
from loadtester.recorder.gatherer import columns_of

NAMES = [Series("latency", name, "ai", "m", is_ok=True) for name in "abc"]
#: Of each second, by series, the milliseconds that were measured.
SECONDS = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.integers(0, 4_000_000), min_size=1, max_size=5)), max_size=8
)


def _counted(seconds):
    return [{series: count_ns(np.array(values) * 1_000_000) for series, values in second.items()} for second in seconds]


def _plain(counts):
    return counts.indices.tolist(), counts.counts.tolist(), counts.clipped


@given(SECONDS)
def test_every_second_comes_back(seconds):
    """What a second counted of a series is there again, what it has not is not."""
    counted = _counted(seconds)
    columns = columns_of(enumerate(counted), len(counted))
    for number, one in enumerate(counted):
        view = OneSecond(columns, number)
        assert set(view) == set(one)
        assert len(view) == len(one)
        assert {series: _plain(counts) for series, counts in view.items()} == {
            series: _plain(counts) for series, counts in one.items()
        }
        for series in set(columns) - set(one):
            assert series not in view
            with pytest.raises(KeyError):
                view[series]


@given(SECONDS, st.integers(1, 3))
def test_sums_of_spans_are_those_of_their_seconds(seconds, width_s):
    """Totals, sums and the histogram of a column are those of its seconds, counted one by one."""
    counted = _counted(seconds)
    for series, column in columns_of(enumerate(counted), len(counted)).items():
        mine = [one[series] if series in one else Counts(np.array([], int), np.array([], int)) for one in counted]
        spans = [mine[i : i + width_s] for i in range(0, len(mine), width_s)]
        assert column.totals(width_s).tolist() == [sum(one.total for one in span) for span in spans]
        expected = [sum(float(buckets.middle_us(one.indices) @ one.counts) for one in span) / 1e6 for span in spans]
        assert column.sums_s(width_s) == pytest.approx(expected)
        dense = np.zeros(buckets.SIZE, dtype=np.int64)
        for one in mine:
            dense[one.indices] += one.counts
        assert (column.histogram().counts == dense).all()
        assert column.histogram().clipped == sum(one.clipped for one in mine)


@given(SECONDS.filter(len), st.data())
def test_a_part_is_its_seconds(seconds, data):
    """A part has the seconds from its start up to its end, numbered anew."""
    start = data.draw(st.integers(0, len(seconds)))
    end = data.draw(st.integers(start, len(seconds)))
    counted = _counted(seconds)
    whole, cut = columns_of(enumerate(counted), len(counted)), columns_of(enumerate(counted[start:end]), end - start)
    for series, column in whole.items():
        part = column.part(start, end)
        assert part.seconds == end - start
        wanted = cut.get(series)
        assert part.totals().tolist() == ([0] * (end - start) if wanted is None else wanted.totals().tolist())
        assert part.clipped == ({} if wanted is None else wanted.clipped)


@given(SECONDS)
def test_series_together_are_all_that_they_count(seconds):
    """Several series as one have the totals of all of them in each second, and one histogram."""
    columns = list(columns_of(enumerate(_counted(seconds)), len(seconds)).values())
    if columns:
        both = together(columns)
        assert both.totals().tolist() == np.sum([one.totals() for one in columns], axis=0).tolist()
        assert (both.histogram().counts == np.sum([one.histogram().counts for one in columns], axis=0)).all()
        assert both.edges[-1] == len(both.indices)
        assert both.histogram().clipped == sum(one.histogram().clipped for one in columns)


def test_buckets_of_a_small_type_have_their_own_bounds():
    """An hour in µs does not fit the types that buckets are kept in; their bounds are right all the same."""
    (one,) = _counted([{NAMES[0]: [1, 3_599_000]}])
    indices = columns_of(enumerate([one]), 1)[NAMES[0]].indices
    assert indices.dtype.itemsize < 4
    for bound in (buckets.lowest_us, buckets.highest_us, buckets.middle_us):
        assert bound(indices).tolist() == bound(one[NAMES[0]].indices).tolist()


def test_a_recording_has_the_columns_of_its_seconds():
    """Seconds that the recording lacks are there, empty; so are those in which nothing was measured."""
    (one,) = _counted([{NAMES[0]: [7]}])
    run = recording([Interval(1, counts=one), Interval(3), Interval(4, counts=one)])
    assert run.columns()[NAMES[0]].totals().tolist() == [0, 1, 0, 0, 1]
    assert recording([]).columns() == {}
