"""A run's course, span by span."""

from dataclasses import replace

import numpy as np

from loadtester.analysis.over_time import MOST_SPANS, over_time
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording, count_ns, recording

OK = CellKey("q", "ai", "m", "m", Outcome.OK)
THROTTLED = CellKey("q", "ai", "m", "", Outcome.THROTTLED)
LATENCY = Series("latency", "q", "ai", "m", is_ok=True)


def _second(second, took_ms=100, count=60):
    counts = {LATENCY: count_ns(np.full(count, took_ms * 1_000_000, dtype=np.int64))}
    cells = {OK: Cell(count=count, sent=count, input=10, cache_read=5, output=7), THROTTLED: Cell(count=2, sent=2)}
    return Interval(second, planned=70, sent=62, in_flight=second % 5, cells=cells, counts=counts)


def test_nothing_is_lost_in_spans():
    """However wide the spans, counts add up to those of the run."""
    seconds = 3 * MOST_SPANS + 7
    seen = over_time(recording(_second(second) for second in range(seconds)))
    assert seen.width_s == 4
    assert len(seen.planned) == len(seen.start_s) <= MOST_SPANS
    assert sum(seen.planned) == 70 * seconds
    assert sum(seen.sent) == 62 * seconds
    assert sum(seen.outcomes[Outcome.OK]) == 60 * seconds
    assert sum(seen.outcomes[Outcome.THROTTLED]) == 2 * seconds
    assert sum(seen.tokens_in) == 15 * seconds
    assert sum(map(sum, seen.heat.cells)) == 60 * seconds
    assert set(seen.outcomes) == {Outcome.OK, Outcome.THROTTLED}


def test_seconds_that_are_missing_are_empty_spans():
    """A second that is not on record is a span of nothing, not a shorter run."""
    seen = over_time(recording([_second(0), _second(3)]))
    assert seen.sent == (62, 0, 0, 62)
    assert seen.latency.p50[1] is None


def test_a_percentile_needs_its_answers():
    """p50 from 5 answers on, p95 from 59, p99 from 299."""
    for count, known in ((4, (False, False)), (5, (True, False)), (59, (True, True))):
        seen = over_time(recording([_second(0, count=count)]))
        assert (seen.latency.p50[0] is not None, seen.latency.p95[0] is not None) == known
        assert seen.latency.p99[0] is None
    assert over_time(recording([_second(0, count=299)])).latency.p99[0] is not None


def test_windows_are_wide_enough_for_a_p95():
    """Where a second has too few answers, windows are wider: no chart without its p95."""
    seen = over_time(recording(_second(second, count=10) for second in range(120)))
    assert 6 <= seen.latency.width_s <= 10
    assert all(value is not None for value in seen.latency.p95[:-1])


def test_the_heat_map_has_each_answer_in_its_cell():
    """A latency lies between the edges of its row, in the column of its second."""
    seen = over_time(recording([_second(0, took_ms=20), _second(1, took_ms=4_000)])).heat
    for column, took_s in enumerate((0.02, 4.0)):
        (row,) = (i for i, count in enumerate(seen.cells[column]) if count)
        assert seen.edges_s[row] <= took_s < seen.edges_s[row + 1]
        assert seen.cells[column][row] == 60


def test_an_empty_run():
    """A run of no second has a course of no span."""
    seen = over_time(Recording())
    assert seen.planned == seen.latency.p50 == seen.heat.cells == ()


def test_a_warm_up_is_in_no_column():
    """What was due in it is neither planned nor sent, as it has no outcome; how many there were is told."""
    warm = replace(_second(0), cells=None, counts=None, warm=_second(0).cells, warm_planned=70, warm_sent=62)
    seen = over_time(recording([warm, replace(_second(1), warm_planned=10, warm_sent=9), _second(2)]))
    assert seen.planned == (0, 60, 70)
    assert seen.sent == (0, 53, 62)
    assert seen.outcomes[Outcome.OK] == (0, 60, 60)
    assert seen.warmup == 80
