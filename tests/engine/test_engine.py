"""The engine gives every planned request one outcome, in the open model, whatever the driver does."""

import asyncio
import csv
import gzip
import time
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest

from loadtester.cost.budget import Budget
from loadtester.engine import Backoff, Engine, Guard, Limits
from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.recorder import COLUMNS, Recorder, recording
from loadtester.schedule import Arrivals


class FakeWorkload:
    """Requests that say which row they are."""

    def __init__(self, arrivals):
        self._arrivals = arrivals
        self._last = {int(session): row for row, session in enumerate(arrivals.session)}

    def request(self, row):
        session, turn = int(self._arrivals.session[row]), int(self._arrivals.turn[row])
        return Request(
            id=int(self._arrivals.id[row]), query="q", kind="ai", model="m", prompt="p", session=str(session),
            turn=turn, max_tokens=1, language="en",
        )  # fmt: skip

    def is_last_turn(self, row):
        return self._last[int(self._arrivals.session[row])] == row


class ScriptedDriver:
    """Answers as the script says; keeps what it was asked."""

    opens_ahead = True

    def __init__(self, script):
        self._script = script
        self.sent, self.prepared, self.finished = [], [], []

    async def check(self):
        pass

    async def prepare(self, request):
        self.prepared.append(request.session)

    async def send(self, request, probe):
        self.sent.append(request.id)
        probe.sent()
        return await self._script(request)

    async def finish(self, request):
        self.finished.append(request.session)


def _arrivals(due_ms, sessions=None, turns=None):
    n = len(due_ms)
    return Arrivals(
        id=np.arange(n),
        due_ns=np.array(due_ms, dtype=np.int64) * 1_000_000,
        session=np.array(sessions if sessions is not None else range(n), dtype=np.int64),
        turn=np.array(turns if turns is not None else [1] * n, dtype=np.int32),
        duration_s=1.0,
    )


def _run(arrivals, script, *, limits=None, during=None, made=None, kind=ScriptedDriver, guard=None, warmup_s=0.0):
    """Run to the end; the driver, the recording and the rows by id."""
    limits = limits or Limits(max_in_flight=1000, timeout_s=5.0, graceful_stop_s=5.0)
    driver, intervals, rows = kind(script), [], []

    def sink(interval, lines):
        intervals.append(interval)
        rows.extend(gzip.decompress(lines).decode().splitlines())

    async def main():
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None, warmup_s=warmup_s)
        guarded = None if guard is None else guard(driver)
        engine = Engine(arrivals, FakeWorkload(arrivals), driver, recorder, limits, sink, guard=guarded)
        if made is not None:
            made(engine)
        if during is not None:
            asyncio.get_running_loop().call_later(0.05, during, engine)
        await engine.open()
        await engine.run(time.perf_counter_ns())
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    parsed = {int(line[0]): dict(zip(COLUMNS, line, strict=True)) for line in csv.reader(rows)}
    assert sorted(parsed) == list(range(len(arrivals)))
    assert sum(interval.planned for interval in intervals) == len(arrivals) == len(rows)
    return driver, recording(intervals), parsed


async def _ok(_request):
    return Ending(Outcome.OK)


async def _never(_request):
    await asyncio.sleep(60)
    raise AssertionError


def _outcomes(rows):
    return Counter(row["outcome"] for row in rows.values())


def test_every_row_is_sent_once_in_order():
    """All rows are sent, none early, each with its outcome."""
    driver, run, rows = _run(_arrivals(range(0, 100, 2)), _ok)
    assert driver.sent == list(range(50))
    assert _outcomes(rows) == {"ok": 50}
    assert all(int(row["sent_ns"]) >= int(row["due_ns"]) for row in rows.values())
    assert sum(interval.sent for interval in run.intervals) == 50


def test_a_slow_target_does_not_slow_the_load():
    """Launches go on while no answer has come: the open model."""
    started = []
    all_started = asyncio.Event()

    async def stall(request):
        started.append(request.id)
        if len(started) == 20:
            all_started.set()
        await all_started.wait()
        return Ending(Outcome.OK)

    _, _, rows = _run(_arrivals(range(20)), stall)
    assert _outcomes(rows) == {"ok": 20}


def test_at_the_cap_arrivals_are_dropped_and_counted():
    """Nothing waits for a slot: beyond the cap an arrival is dropped, unsent."""
    limits = Limits(max_in_flight=3, timeout_s=0.2, graceful_stop_s=5.0)
    driver, _, rows = _run(_arrivals(range(10)), _never, limits=limits)
    assert _outcomes(rows) == {"timeout": 3, "dropped": 7}
    assert driver.sent == [0, 1, 2]
    assert sorted(driver.finished, key=int) == [str(k) for k in range(10)]


def test_a_dropped_last_turn_does_not_hang_up_on_the_turn_before():
    """A conversation is let go of when its turn in flight has ended, not when its last turn is dropped."""
    log = []

    async def slow(request):
        await asyncio.sleep(0.05)
        log.append(request.id)
        return Ending(Outcome.OK)

    class Driver(ScriptedDriver):
        async def finish(self, request):
            log.append(f"finish {request.session}")

    limits = Limits(max_in_flight=1, timeout_s=5.0, graceful_stop_s=5.0)
    _, _, rows = _run(_arrivals([0, 5], sessions=[0, 0], turns=[1, 2]), slow, limits=limits, kind=Driver)
    assert _outcomes(rows) == {"ok": 1, "dropped": 1}
    assert log == [0, "finish 0"]


def test_a_timeout_is_an_outcome():
    """An answer that takes too long is given up, and its driver call cancelled."""
    limits = Limits(max_in_flight=10, timeout_s=0.05, graceful_stop_s=5.0)
    _, _, rows = _run(_arrivals([0]), _never, limits=limits)
    assert _outcomes(rows) == {"timeout": 1}
    assert int(rows[0]["done_ns"]) - int(rows[0]["sent_ns"]) >= 50_000_000


def test_a_conversations_turns_wait_for_their_answers():
    """The next turn is sent after the answer before it, and marked as held; other conversations go on."""
    log = []

    async def slow(request):
        log.append(("begin", request.id))
        await asyncio.sleep(0.05 if request.session == "0" else 0)
        log.append(("end", request.id))
        return Ending(Outcome.OK)

    arrivals = _arrivals([0, 5, 10, 1500], sessions=[0, 1, 0, 0], turns=[1, 1, 2, 3])
    driver, _, rows = _run(arrivals, slow)
    assert log.index(("begin", 2)) > log.index(("end", 0))
    assert log.index(("begin", 1)) < log.index(("end", 0))
    assert [rows[k]["held"] for k in range(4)] == ["0", "0", "1", "0"]
    assert int(rows[2]["done_ns"]) - int(rows[2]["due_ns"]) >= 80_000_000
    assert sorted(driver.finished) == ["0", "1"]
    assert sorted(driver.prepared) == ["0", "1"]


def test_a_conversation_goes_on_after_a_failed_turn():
    """A turn that failed does not take the next ones with it."""

    async def first_fails(request):
        return Ending(Outcome.THROTTLED if request.turn == 1 else Outcome.OK)

    _, _, rows = _run(_arrivals([0, 20], sessions=[0, 0], turns=[1, 2]), first_fails)
    assert _outcomes(rows) == {"throttled": 1, "ok": 1}


def test_stopped_once_what_is_in_flight_may_finish():
    """After a stop nothing more is sent; what is in flight ends on its own; the rest is cancelled, unsent."""

    async def slow(_request):
        await asyncio.sleep(0.15)
        return Ending(Outcome.OK)

    driver, _, rows = _run(_arrivals([0, 1, 2, 5000, 6000]), slow, during=lambda engine: engine.stop())
    assert _outcomes(rows) == {"ok": 3, "cancelled": 2}
    assert driver.sent == [0, 1, 2]
    assert [rows[k]["sent_ns"] for k in (3, 4)] == ["", ""]


def test_stopped_twice_everything_is_cancelled_now():
    """An abort cancels what is in flight; it was sent, so it is told from what was not."""
    _, run, rows = _run(_arrivals([0, 1, 5000]), _never, during=lambda engine: (engine.stop(), engine.abort()))
    assert _outcomes(rows) == {"cancelled": 3}
    assert [rows[k]["sent_ns"] != "" for k in range(3)] == [True, True, False]
    cells = run.cells().values()
    assert (sum(cell.count for cell in cells), sum(cell.sent for cell in cells)) == (3, 2)


def test_a_drain_has_a_deadline():
    """A stopped run waits for what is in flight no longer than the graceful stop."""
    limits = Limits(max_in_flight=10, timeout_s=60.0, graceful_stop_s=0.1)
    _, _, rows = _run(_arrivals([0]), _never, limits=limits, during=lambda engine: engine.stop())
    assert _outcomes(rows) == {"cancelled": 1}


def test_aborted_before_its_first_step_a_request_still_has_its_outcome():
    """A launch and an abort in one turn of the loop leave no row without an outcome."""
    engines = []

    async def stop_all(_request):
        engines[0].abort()
        return Ending(Outcome.OK)

    arrivals = _arrivals([0, 0, 0, 5000])
    driver, _, rows = _run(arrivals, stop_all, made=engines.append)
    assert driver.sent == [0]
    assert _outcomes(rows) == {"ok": 1, "cancelled": 3}


def test_held_turns_of_a_stopped_run_were_not_sent():
    """A turn that was still waiting for the answer before it when the run was stopped is cancelled, unsent."""
    arrivals = _arrivals([0, 10], sessions=[0, 0], turns=[1, 2])
    _, run, rows = _run(arrivals, _never, during=lambda engine: engine.abort())
    assert _outcomes(rows) == {"cancelled": 2}
    assert rows[1]["sent_ns"] == ""
    assert sum(cell.sent for cell in run.cells().values()) == 1


def test_a_fault_in_a_driver_ends_the_run_and_is_raised():
    """A driver that raises is a bug: it is not swallowed."""

    async def bug(_request):
        raise KeyError("x")

    with pytest.raises(KeyError):
        _run(_arrivals([0, 5000]), bug)


def test_a_sink_that_fails_ends_the_run():
    """If what was recorded can't be kept, the run stops instead of sending on."""
    arrivals = _arrivals([0, 60_000])

    def full(_interval, _rows):
        raise OSError(28, "No space left on device")

    async def main():
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
        limits = Limits(max_in_flight=10, timeout_s=5.0, graceful_stop_s=5.0)
        engine = Engine(arrivals, FakeWorkload(arrivals), ScriptedDriver(_ok), recorder, limits, full)
        await engine.run(time.perf_counter_ns())

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(main())


def test_an_empty_plan_ends_at_once():
    """Nothing planned, nothing sent, one empty second."""
    driver, run, _ = _run(_arrivals([]), _ok)
    assert driver.sent == []
    assert len(run.intervals) == 1


def _at_most(n_requests):
    return lambda driver: Guard(driver, price=_free, max_requests=n_requests)


def _patient(limit_s):
    return lambda driver: Guard(driver, price=_free, backoff=Backoff(seed=1, max_attempts=3, limit_s=limit_s))


def _free(_model, _usage):
    return None


def test_a_guard_ends_the_run_before_the_request_that_it_refuses():
    """Nothing from there on is sent, all of it is on record as cancelled; what is in flight has its answer."""

    async def slow(request):
        await asyncio.sleep(0.2 if request.id == 0 else 0)
        return Ending(Outcome.OK)

    driver, run, rows = _run(_arrivals([0, 1, 2, 3, 60_000]), slow, guard=_at_most(3))
    assert driver.sent == [0, 1, 2]
    assert [rows[row]["outcome"] for row in range(5)] == ["ok"] * 3 + ["cancelled"] * 2
    assert (sum(interval.sent for interval in run.intervals), rows[3]["sent_ns"]) == (3, "")


def test_a_follow_up_that_is_refused_is_on_record():
    """A turn that waited for the answer before it asks the guard when its time has come."""
    _, _, rows = _run(_arrivals([0, 1], sessions=[0, 0], turns=[1, 2]), _ok, guard=_at_most(1))
    assert [rows[row]["outcome"] for row in range(2)] == ["ok", "cancelled"]


def test_a_request_that_was_tried_again_has_one_outcome():
    """Two throttled attempts and an answer are one row, one request sent, and two retries on record."""
    endings = [Ending(Outcome.THROTTLED, retry_after_s=0.01)] * 2 + [Ending(Outcome.OK)]

    async def script(_request):
        return endings.pop(0)

    driver, run, rows = _run(_arrivals([0]), script, guard=_patient(5.0))
    assert driver.sent == [0, 0, 0]
    assert _outcomes(rows) == {"ok": 1}
    assert int(rows[0]["done_ns"]) >= 20_000_000
    (cell,) = run.cells().values()
    assert (cell.count, cell.sent, cell.retried, cell.retries) == (1, 1, 1, 2)
    assert [series.is_ok for series in run.histograms() if series.metric == "first_attempt"] == [False]


def test_an_attempt_that_takes_too_long_times_out():
    """The time limit is the request's, over all its attempts."""
    endings = [Ending(Outcome.THROTTLED, retry_after_s=0.0)]

    async def script(_request):
        if endings:
            return endings.pop()
        return await _never(_request)

    limits = Limits(max_in_flight=10, timeout_s=0.1, graceful_stop_s=5.0)
    _, run, rows = _run(_arrivals([0]), script, guard=_patient(0.1), limits=limits)
    assert _outcomes(rows) == {"timeout": 1}
    (cell,) = run.cells().values()
    assert cell.retries == 1


def _parts(run):
    """Of the warm-up, and of the rest: planned, sent, and how many ended how; all of these add up."""
    warm = (sum(one.warm_planned for one in run.intervals), sum(one.warm_sent for one in run.intervals))
    whole = (sum(one.planned for one in run.intervals), sum(one.sent for one in run.intervals))
    parts = []
    for (planned, sent), cells in ((warm, run.warm()), (np.subtract(whole, warm).tolist(), run.cells())):
        ends = Counter()
        for key, cell in cells.items():
            ends[key.outcome.value] += cell.count
        assert ends.total() == planned
        assert sum(cell.sent for cell in cells.values()) == sent
        parts.append((planned, sent, dict(ends)))
    return parts


def test_what_is_due_in_the_warm_up_is_counted_apart():
    """By when it was due, however late it ends: the last one's answer comes when the warm-up is long over."""

    async def last_is_slow(request):
        await asyncio.sleep(0.1 if request.id == 2 else 0)
        return Ending(Outcome.OK)

    _, run, rows = _run(_arrivals([0, 10, 19, 20, 30]), last_is_slow, warmup_s=0.02)
    assert _parts(run) == [(3, 3, {"ok": 3}), (2, 2, {"ok": 2})]
    assert [rows[row]["warmup"] for row in range(5)] == ["1", "1", "1", "0", "0"]


@pytest.mark.parametrize(
    ("due_ms", "warmup_s", "stopped_by", "warm", "rest"),
    [
        ([0, 0, 60_000, 60_001, 70_000], 65.0, 1, (4, 2, {"ok": 2, "cancelled": 2}), (1, 0, {"cancelled": 1})),
        ([0, 0, 20, 20, 60_000], 0.01, 3, (2, 2, {"ok": 2}), (3, 2, {"ok": 2, "cancelled": 1})),
    ],
    ids=["in the warm-up", "after it"],
)
def test_a_stopped_run_accounts_for_its_warm_up(due_ms, warmup_s, stopped_by, warm, rest):
    """Whenever it is stopped, each part's planned requests are all sent or cancelled, to the last one."""
    engines = []

    async def script(request):
        if request.id == stopped_by:
            engines[0].stop()
        return Ending(Outcome.OK)

    _, run, _ = _run(_arrivals(due_ms), script, made=engines.append, warmup_s=warmup_s)
    assert _parts(run) == [warm, rest]


def test_arrivals_dropped_in_the_warm_up_are_its_own():
    """What found no place in flight is in the part of the run in which it was due."""
    limits = Limits(max_in_flight=1, timeout_s=5.0, graceful_stop_s=5.0)
    all_were_due = asyncio.Event()

    def watch(engine):
        leave_out = engine._leave_out

        def watched(row, ending):
            leave_out(row, ending)
            if row == 4:
                all_were_due.set()

        engine._leave_out = watched

    async def until_all_were_due(_request):
        await all_were_due.wait()
        return Ending(Outcome.OK)

    _, run, _ = _run(_arrivals([0, 0, 0, 20, 20]), until_all_were_due, limits=limits, made=watch, warmup_s=0.01)
    assert _parts(run) == [(3, 1, {"ok": 1, "dropped": 2}), (2, 0, {"dropped": 2})]


def test_bounds_count_the_warm_up():
    """A cap on requests, as one on money, is of all that is sent."""
    driver, run, _ = _run(_arrivals([0, 1, 2, 30, 31]), _ok, guard=_at_most(4), warmup_s=0.02)
    assert driver.sent == [0, 1, 2, 3]
    assert _parts(run) == [(3, 3, {"ok": 3}), (2, 1, {"ok": 1, "cancelled": 1})]


def test_money_of_the_warm_up_is_the_budgets():
    """Three requests of a cent are all that three cents pay for, whichever of them are measured."""
    cent = Decimal("0.01")

    async def paid(_request):
        return Ending(Outcome.OK, usage=Usage(1, 1), model="m")

    guards = []

    def guard(driver):
        budget = Budget(3 * cent, lambda _request: cent)
        guards.append(Guard(driver, price=lambda _model, _usage: cent, budget=budget))
        return guards[0]

    driver, run, _ = _run(_arrivals([0, 1, 30, 31, 32]), paid, guard=guard, warmup_s=0.02)
    assert driver.sent == [0, 1, 2]
    assert guards[0].books().ledger.spent_usd == 3 * cent
    assert [(planned, sent) for planned, sent, _ in _parts(run)] == [(2, 2), (3, 1)]
