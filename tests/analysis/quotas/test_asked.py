"""One reading of requests.csv tells what two would."""

import pytest

from loadtester.analysis.quotas import calls
from loadtester.analysis.quotas.asked import asked_of
from loadtester.analysis.quotas.calls import call_log
from loadtester.cost.lengths import counted
from loadtester.scenario.mix import HAIKU

HEAD = (
    "due_ns,sent_ns,done_ns,query,model,answered_by,outcome,detail,input_tokens,output_tokens,cache,"
    "cache_read_tokens,cache_write_tokens,attempts,warmup"
)
ROWS = [f"{i},{i},{i + 5},q{i % 2},{HAIKU},{HAIKU},ok,,{10 + i},{i % 7},,0,0,1,0" for i in range(50)]


def test_it_has_the_calls_and_the_lengths():
    """The calls are those of a reading for them alone, and so are the lengths."""
    asked = asked_of([HEAD, *ROWS])
    alone = call_log([HEAD, *ROWS]).by_model(100)[HAIKU]
    mine = asked.calls.by_model(100)[HAIKU]
    assert mine.held.tolist() == alone.held.tolist()
    assert mine.query.tolist() == [i % 2 for i in range(50)]
    assert asked.lengths.left("q0", HAIKU, 3) == counted([HEAD, *ROWS]).left("q0", HAIKU, 3)
    assert asked.lengths.left("q0", HAIKU, 3).cut > 0


def test_after_the_most_calls_only_lengths_are_read(monkeypatch):
    """A run of ten millions is no reason to keep ten million calls; how long its answers were is told of all.

    Past them the columns of calls are not so much as looked at: here one of them is no number there.
    """
    monkeypatch.setattr(calls, "MOST_CALLS", 30)
    monkeypatch.setattr("loadtester.analysis.quotas.asked.MOST_CALLS", 30)
    monkeypatch.setattr("loadtester.rundir.requests._BLOCK_BYTES", 400)
    late = [f"soon{row}" for row in ROWS[40:]]
    asked = asked_of([f"{line}\n" for line in (HEAD, *ROWS[:40], *late)])
    assert asked.n_rows == len(ROWS)
    assert len(asked.calls.by_model(100)[HAIKU]) == 30
    assert len(call_log([f"{line}\n" for line in (HEAD, *ROWS)]).by_model(100)[HAIKU]) == 30
    expected = [min(i % 7, 3) for i in range(0, 50, 2)]
    assert float(asked.lengths.left("q0", HAIKU, 3).output) == pytest.approx(sum(expected) / len(expected))


def test_what_is_no_run_is_refused():
    """Other columns raise."""
    with pytest.raises((ValueError, LookupError)):
        asked_of(["a,b", "1,2"])
