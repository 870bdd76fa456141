"""The recorder turns outcomes into counters, samples and rows, each once."""

import csv
import gzip
from decimal import Decimal

import pytest

from loadtester.model import CellKey, Ending, Outcome, Request, Series, Usage
from loadtester.recorder import COLUMNS, Probe, Recorder

REQUEST = Request(
    id=7, query="greeting", kind="ai", model="m", prompt="Hello!!!", session="s", turn=1, max_tokens=10, language="en"
)


class FakeClock:
    """A clock that says what it is told."""

    def __init__(self):
        self.now_ns = 0

    def __call__(self):
        return self.now_ns


def _recorder():
    return Recorder(slo_s=1.0, price=lambda model, usage: Decimal(usage.output) / 1000 if model == "m" else None)


def _probe(clock, *, due_ns=0, sent_ns=10, chunks=(100, 150, 250), done_ns=300):
    probe = Probe(clock, due_ns)
    clock.now_ns = sent_ns
    probe.launched()
    probe.sent()
    for at_ns in chunks:
        clock.now_ns = at_ns
        probe.chunk(4, "text")
    clock.now_ns = done_ns
    probe.done()
    return probe


def _flush(recorder):
    interval, rows = recorder.flush(0, planned=1, sent=1, in_flight=0, stall_s=0.0)
    return interval, gzip.decompress(rows).decode().split("\n")[:-1]


def test_moments_become_the_defined_metrics():
    """Latency is from due, service from sent, ttft to the first chunk, gaps between chunks, tpot by reported tokens."""
    recorder, us = _recorder(), 1000
    probe = _probe(FakeClock(), sent_ns=10 * us, chunks=(100 * us, 150 * us, 250 * us), done_ns=300 * us)
    recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(5, 11), model="m"))
    interval, _ = _flush(recorder)
    got = {series.metric: sorted(counts.indices.tolist()) for series, counts in interval.counts.items()}
    assert got == {
        "latency": [300],
        "service": [290],
        "lag": [10],
        "ttft": [100],
        "ttft_service": [90],
        "itl": [50, 100],
        "tpot": [20],
    }


def test_failures_do_not_touch_the_latency_of_answers():
    """A failed request's latency is kept, apart."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock(), chunks=()), Ending(Outcome.THROTTLED))
    interval, _ = _flush(recorder)
    assert Series("latency", "greeting", "ai", "m", is_ok=False) in interval.counts
    assert not any(series.is_ok for series in interval.counts)


def test_opening_a_connection_is_not_the_generators_lag():
    """Lag leaves out the time that a connection took to open."""
    recorder, us, clock = _recorder(), 1000, FakeClock()
    probe = Probe(clock, 0)
    probe.launched()
    probe.connected(80 * us)
    clock.now_ns = 100 * us
    probe.sent()
    probe.done()
    recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(1, 1)))
    interval, _ = _flush(recorder)
    assert interval.counts[Series("lag", "greeting", "ai", "m", is_ok=True)].indices.tolist() == [20]


def test_a_connection_opened_ahead_excuses_no_lag():
    """A request launched late is late, however long its connection had taken to open before it was due."""
    recorder, us, clock = _recorder(), 1000, FakeClock()
    probe = Probe(clock, 0)
    clock.now_ns = 70 * us
    probe.launched()
    probe.connected(80 * us)
    probe.sent()
    probe.done()
    recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(1, 1)))
    interval, _ = _flush(recorder)
    assert interval.counts[Series("lag", "greeting", "ai", "m", is_ok=True)].indices.tolist() == [70]


def test_missing_usage_is_estimated_and_counted_as_such():
    """An ok answer without usage is estimated at four ASCII characters a token."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK))
    interval, _ = _flush(recorder)
    cell = interval.cells[CellKey("greeting", "ai", "m", "m", Outcome.OK)]
    assert (cell.input, cell.output, cell.estimated) == (2, 3, 1)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_the_model_worked_on_is_paid_for(outcome):
    """A request given up or broken off is estimated by what had come; one that was turned away costs nothing."""
    recorder = _recorder()
    probe = _probe(FakeClock())
    turned_away = {"throttled", "unavailable", "server_error", "client_error", "refused", "dropped"}
    if outcome in turned_away:
        probe.n_chunks = 0
    recorder.add(REQUEST, probe, Ending(outcome))
    interval, _ = _flush(recorder)
    (cell,) = interval.cells.values()
    assert (cell.input, cell.output, cell.estimated) == ((0, 0, 0) if outcome in turned_away else (2, 3, 1))


def test_an_answer_that_had_begun_is_paid_for():
    """Whatever it ended with: a model that had said something had worked."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.SERVER_ERROR))
    interval, _ = _flush(recorder)
    (cell,) = interval.cells.values()
    assert (cell.input, cell.output, cell.estimated) == (2, 3, 1)


def test_money_is_priced_by_the_model_that_answered():
    """An answer by another model is priced as that model's; without a price it costs nothing known."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK, usage=Usage(1, 500), model="m"))
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK, usage=Usage(1, 500), model="other"))
    interval, rows = _flush(recorder)
    assert {key.answered_by: cell.usd for key, cell in interval.cells.items()} == {
        "m": Decimal("0.5"),
        "other": Decimal(0),
    }
    assert [dict(zip(COLUMNS, line, strict=True))["cost_usd"] for line in csv.reader(rows)] == ["0.5", ""]


def test_rows_survive_hostile_text():
    """Commas, quotes and line breaks from a target stay inside their field."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.BROKEN, detail='a, "b"\nc', model="x,y"))
    _, rows = _flush(recorder)
    (line,) = csv.reader(rows)
    values = dict(zip(COLUMNS, line, strict=True))
    assert (values["detail"], values["answered_by"], values["outcome"]) == ('a, "b" c', "x,y", "broken")


def test_unsent_requests_have_an_outcome_and_no_moments():
    """A dropped request is counted and written, with nothing measured."""
    recorder = _recorder()
    recorder.add_unsent(REQUEST, 42, Ending(Outcome.DROPPED))
    interval, rows = _flush(recorder)
    cell = interval.cells[CellKey("greeting", "ai", "m", "", Outcome.DROPPED)]
    assert (cell.count, cell.sent, interval.counts) == (1, 0, {})
    values = dict(zip(COLUMNS, next(csv.reader(rows)), strict=True))
    assert (values["due_ns"], values["sent_ns"], values["done_ns"]) == ("42", "", "")


def test_what_was_said_of_failures_is_counted():
    """Reasons are counted by outcome; a target that never says the same twice can't fill the memory."""
    recorder = _recorder()
    for number in range(1000):
        recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.BROKEN, detail=f"odd {number}"))
        recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.THROTTLED, detail="429 slow down"))
    interval, _ = _flush(recorder)
    assert interval.failures[Outcome.THROTTLED, "429 slow down"] == 1000
    assert sum(interval.failures.values()) == 2000
    assert len(interval.failures) < 30


def test_flush_forgets():
    """What was handed over is not kept."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK))
    _flush(recorder)
    interval, rows = _flush(recorder)
    assert (interval.cells, interval.counts, rows) == ({}, {}, [])


def test_attempts_are_counted_beside_the_one_outcome():
    """A request that was tried again: its retries, its first attempt from due, and no split of a time with waits."""
    recorder, clock = _recorder(), FakeClock()
    probe = Probe(clock, 5_000)
    probe.launched()
    probe.sent()
    clock.now_ns = 25_000
    probe.attempted(is_ok=False)
    probe.again()
    probe.again()
    clock.now_ns = 300_000
    probe.done()
    recorder.add(
        REQUEST, probe, Ending(Outcome.OK, usage=Usage(5, 11), model="m", timing_s={"total": 1e-6, "model": 1e-6})
    )
    interval, rows = _flush(recorder)
    (cell,) = interval.cells.values()
    assert (len(rows), cell.count, cell.sent, cell.retried, cell.retries) == (1, 1, 1, 1, 2)
    got = {(series.metric, series.is_ok): counts.indices.tolist() for series, counts in interval.counts.items()}
    assert got[("first_attempt", False)] == [20]
    assert got[("latency", True)] == [295]
    assert not any(metric in ("network", "app") for metric, _ in got)


def test_a_first_attempt_that_did_is_one_too():
    """Where nothing had to be tried again, the first attempt is the answer; without backoff there is no such figure."""
    for is_patient in (True, False):
        recorder, clock = _recorder(), FakeClock()
        probe = _probe(clock, done_ns=300_000)
        if is_patient:
            probe.attempted(is_ok=True)
        recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(5, 11), model="m"))
        interval, _ = _flush(recorder)
        (cell,) = interval.cells.values()
        assert (cell.retried, cell.retries) == (0, 0)
        found = [series.is_ok for series in interval.counts if series.metric == "first_attempt"]
        assert found == [True] * is_patient


def test_what_else_was_used_for_an_answer_is_paid_for():
    """Another model's tokens are in a cell of its own, with no answer; the row has the whole money."""
    recorder = Recorder(slo_s=1.0, price=lambda model, usage: Decimal(usage.output * (3 if model == "big" else 1)))
    ending = Ending(Outcome.OK, usage=Usage(10, 5), model="small", also_used=(("big", Usage(100, 7)),))
    recorder.add(REQUEST, _probe(FakeClock()), ending)
    interval, rows = _flush(recorder)
    small = interval.cells[CellKey("greeting", "ai", "m", "small", Outcome.OK)]
    big = interval.cells[CellKey("greeting", "ai", "m", "big", Outcome.OK)]
    assert (small.count, small.output, small.usd) == (1, 5, 5)
    assert (big.count, big.sent, big.input, big.output, big.usd) == (0, 0, 100, 7, 21)
    assert dict(zip(COLUMNS, next(csv.reader(rows)), strict=True))["cost_usd"] == "26"


def test_reconnects_are_counted():
    """Connections opened in the place of lost ones, however the request ended."""
    recorder = _recorder()
    for outcome, times in ((Outcome.OK, 1), (Outcome.BROKEN, 2)):
        probe = _probe(FakeClock())
        for _ in range(times):
            probe.reconnected()
        recorder.add(REQUEST, probe, Ending(outcome))
    interval, _ = _flush(recorder)
    assert sum(cell.reconnects for cell in interval.cells.values()) == 3


def test_an_unknown_call_beside_the_answer_is_estimated():
    """What another call used that nobody told counts as an estimate, at its model's price, and is never left out."""
    recorder = Recorder(slo_s=1.0, price=lambda model, usage: Decimal(usage.input * (3 if model == "big" else 1)))
    ending = Ending(Outcome.OK, usage=Usage(10, 5), model="small", also_used=(("big", None),))
    recorder.add(REQUEST, _probe(FakeClock()), ending)
    interval, rows = _flush(recorder)
    big = interval.cells[CellKey("greeting", "ai", "m", "big", Outcome.OK)]
    assert (big.count, big.estimated, big.usd) == (0, 1, 3 * big.input)
    assert big.input > 0
    assert Decimal(dict(zip(COLUMNS, next(csv.reader(rows)), strict=True))["cost_usd"]) == 10 + big.usd


def test_degraded_answers_are_counted_and_named():
    """Whatever the outcome, and each once; the line has the stores, and how often the request was sent."""
    recorder = _recorder()
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK, degraded=("cache", "sessions")))
    again = _probe(FakeClock())
    again.retries = 2
    recorder.add(REQUEST, again, Ending(Outcome.INVALID, degraded=("cache",)))
    recorder.add(REQUEST, _probe(FakeClock()), Ending(Outcome.OK))
    recorder.add_unsent(REQUEST, 0, Ending(Outcome.DROPPED))
    interval, rows = _flush(recorder)
    assert sum(cell.degraded for cell in interval.cells.values()) == 2
    lines = [dict(zip(COLUMNS, line, strict=True)) for line in csv.reader(rows)]
    assert [line["degraded"] for line in lines] == ["cache+sessions", "cache", "", ""]
    assert [line["attempts"] for line in lines] == ["1", "3", "1", "0"]


def _warming():
    return Recorder(slo_s=1.0, price=lambda _model, usage: Decimal(usage.output) / 1000, warmup_s=1.0)


@pytest.mark.parametrize(("due_ns", "is_warm"), [(0, True), (999_999_999, True), (1_000_000_000, False)])
def test_when_it_was_due_decides_what_belongs_to_the_warm_up(due_ns, is_warm):
    """Not when it ended: the last one due in the warm-up is in no figure, the first one after it is in all of them."""
    recorder = _warming()
    done_ns = 3_000_000_000
    probe = _probe(FakeClock(), due_ns=due_ns, sent_ns=due_ns + 10, chunks=(done_ns - 5,), done_ns=done_ns)
    recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(5, 10), model="m"))
    interval, (row,) = _flush(recorder)
    cells, others = (interval.warm, interval.cells) if is_warm else (interval.cells, interval.warm)
    ((key, cell),) = cells.items()
    assert (key.outcome, cell.count, cell.sent, cell.output, cell.usd) == (Outcome.OK, 1, 1, 10, Decimal("0.01"))
    assert others == {}
    assert bool(interval.counts) is not is_warm
    assert row.rpartition(",")[2] == ("1" if is_warm else "0")


def test_failures_of_the_warm_up_are_no_reasons():
    """They are counted by outcome and paid for, and not said among the failures of the run."""
    recorder = _warming()
    recorder.add(REQUEST, _probe(FakeClock(), chunks=()), Ending(Outcome.SERVER_ERROR, detail="cold"))
    interval, _ = _flush(recorder)
    assert [(key.outcome, cell.count) for key, cell in interval.warm.items()] == [(Outcome.SERVER_ERROR, 1)]
    assert (interval.failures, interval.cells, interval.counts) == ({}, {}, {})


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.CANCELLED])
def test_what_was_never_sent_in_the_warm_up_belongs_to_it(outcome):
    """By when it was due, as what was sent."""
    recorder = _warming()
    recorder.add_unsent(REQUEST, 5, Ending(outcome))
    recorder.add_unsent(REQUEST, 1_000_000_000, Ending(outcome))
    interval, rows = _flush(recorder)
    for cells in (interval.warm, interval.cells):
        assert [(key.outcome, cell.count, cell.sent) for key, cell in cells.items()] == [(outcome, 1, 0)]
    assert [row.rpartition(",")[2] for row in rows] == ["1", "0"]


def test_retries_of_the_warm_up_are_counted_there():
    """Attempts after the first are on record, the first one's time is not measured."""
    recorder, clock = _warming(), FakeClock()
    probe = _probe(clock, chunks=(200,))
    probe.retries, probe.attempted_ns = 2, 50
    recorder.add(REQUEST, probe, Ending(Outcome.OK, usage=Usage(5, 10), model="m"))
    interval, _ = _flush(recorder)
    assert [(cell.retried, cell.retries) for cell in interval.warm.values()] == [(1, 2)]
    assert interval.counts == {}
