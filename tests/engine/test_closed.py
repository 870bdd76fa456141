"""Users ask one thing at a time, think, and leave; every question asked has one outcome."""

import asyncio
import csv
import gzip
import time
from collections import Counter
from itertools import count

import numpy as np
import pytest

from loadtester.engine import ClosedEngine, Guard, Limits
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import COLUMNS, Recorder, recording
from loadtester.schedule import Users
from loadtester.workload import Step

LIMITS = Limits(max_in_flight=1000, timeout_s=5.0, graceful_stop_s=5.0)
HOUR_MS = 3_600_000


class FakeVisits:
    """Conversations of `turns` turns, and always the same think time."""

    def __init__(self, turns=2, think_ms=0.0):
        self._turns = turns
        self._think_ns = round(think_ms * 1e6)

    def of(self, user):
        for k in count():
            conversation, before = divmod(k, self._turns)
            is_last = before + 1 == self._turns
            yield Step(user * 10_000 + k, f"{user}-{conversation}", before + 1, is_last, self._think_ns)

    def request(self, step, request_id):
        return Request(
            id=request_id, query="q", kind="ai", model="m", prompt=str(step.n), session=step.session,
            turn=step.turn, max_tokens=1, language="en",
        )  # fmt: skip


class ScriptedDriver:
    """Answers as the script says; keeps what happened to which session, in order."""

    opens_ahead = True

    def __init__(self, script):
        self._script = script
        self.log = []
        self.asking, self.most_asking = Counter(), Counter()

    def of(self, what):
        """The sessions that this happened to."""
        return [session for happened, session in self.log if happened == what]

    async def check(self):
        pass

    async def prepare(self, request):
        self.log.append(("prepare", request.session))

    async def send(self, request, probe):
        user = request.session.partition("-")[0]
        self.log.append(("send", request.session))
        self.asking[user] += 1
        self.most_asking[user] = max(self.most_asking[user], self.asking[user])
        probe.sent()
        try:
            return await self._script(request)
        finally:
            self.asking[user] -= 1

    async def finish(self, request):
        self.log.append(("finish", request.session))


def _users(*stays_ms):
    """Users of whom each comes and goes at the given ms."""
    return Users(
        number=np.arange(len(stays_ms)),
        start_ns=np.array([start for start, _ in stays_ms], dtype=np.int64) * 1_000_000,
        end_ns=np.array([end for _, end in stays_ms], dtype=np.int64) * 1_000_000,
        duration_s=max((end for _, end in stays_ms), default=0) / 1e3,
        peak=len(stays_ms),
    )


class Run:
    """A run to its end, and what is left of it."""

    def __init__(self, users, script, *, visits=None, limits=LIMITS, age_s=0, warmup_s=0.0, **shard):
        self.driver = ScriptedDriver(lambda request: script(self, request))
        self.intervals, self.lines = [], []
        self.warmup_s = warmup_s
        self.users, self.visits, self.limits, self.shard = users, visits or FakeVisits(), limits, shard
        asyncio.run(self._main(age_s))
        self.rows = [dict(zip(COLUMNS, line, strict=True)) for line in csv.reader(self.lines)]
        assert sum(interval.planned for interval in self.intervals) == len(self.rows)
        assert sum(interval.sent for interval in self.intervals) == len(self.rows)
        # Whatever was opened for a conversation is let go of once, and nothing else is.
        held = set(self.driver.of("prepare")) | set(self.driver.of("send"))
        assert Counter(self.driver.of("finish")) == Counter(held)

    async def _main(self, age_s):
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None, warmup_s=self.warmup_s)
        self.engine = ClosedEngine(
            self.users, self.visits, self.driver, recorder, self.limits, self._keep, **self.shard
        )
        await self.engine.open()
        await self.engine.run(time.perf_counter_ns() - round(age_s * 1e9))
        assert len(asyncio.all_tasks()) == 1

    def _keep(self, interval, lines):
        self.intervals.append(interval)
        self.lines.extend(gzip.decompress(lines).decode().splitlines())

    @property
    def outcomes(self):
        return Counter(row["outcome"] for row in self.rows)


def after(n_requests):
    """Answers at once; the run is stopped with the request whose id is one less than that."""

    async def script(run, request):
        if request.id == n_requests - 1:
            run.engine.stop()
        return Ending(Outcome.OK)

    return script


async def _never(_run, _request):
    await asyncio.Event().wait()


def test_a_user_asks_one_thing_at_a_time():
    """However many users and however short their thoughts, each has at most one question in flight."""

    async def slow(run, request):
        await asyncio.sleep(0)
        if request.id == 200:
            run.engine.stop()
        await asyncio.sleep(0)
        return Ending(Outcome.OK)

    run = Run(_users(*[(0, HOUR_MS)] * 7), slow)
    assert set(run.driver.most_asking.values()) == {1}
    assert len(run.driver.most_asking) == 7
    assert run.outcomes == {"ok": len(run.rows)}


def test_a_slow_target_is_asked_less():
    """Users whose answers don't come ask nothing more: the closed model."""
    others = asyncio.Event()

    async def first_user_waits(run, request):
        if request.session.startswith("0-"):
            await others.wait()
            run.engine.stop()
        elif len(run.driver.log) > 50:
            others.set()
        return Ending(Outcome.OK)

    run = Run(_users((0, HOUR_MS), (0, HOUR_MS)), first_user_waits)
    asked = Counter(session.partition("-")[0] for session in run.driver.of("send"))
    assert asked["0"] == 1
    assert asked["1"] > 20


def test_conversations_are_opened_used_and_closed_one_after_the_other():
    """A user's next conversation is opened after the one before it was closed, and its turns come in order."""
    run = Run(_users((0, HOUR_MS)), after(6), visits=FakeVisits(turns=2))
    one = [("prepare", 0), ("send", 0), ("send", 0), ("finish", 0)]
    expected = [(what, f"0-{conversation}") for conversation in range(3) for what, _ in one]
    assert run.driver.log[: len(expected)] == expected
    assert [(row["session"], row["turn"]) for row in run.rows] == [(f"0-{k}", t) for k in range(3) for t in ("1", "2")]


def test_ids_are_given_in_order_of_sending():
    """Of shard i of n, the requests are numbered i, i + n, i + 2n …: no two shards share a number."""
    run = Run(_users(*[(0, HOUR_MS)] * 3), after(42), shard=1, shards=2)
    by_sending = sorted(run.rows, key=lambda row: (int(row["sent_ns"]), int(row["id"])))
    assert [int(row["id"]) for row in by_sending] == list(range(1, 1 + 2 * len(run.rows), 2))
    assert len(run.rows) > 20


def test_a_request_is_due_when_it_is_asked():
    """Nothing is scheduled: due is the launch, so the thinking before it is nobody's latency."""
    run = Run(_users((0, HOUR_MS)), after(3), visits=FakeVisits(think_ms=30))
    assert len(run.rows) == 3
    for before, row in zip([None, *run.rows], run.rows, strict=False):
        assert int(row["due_ns"]) <= int(row["sent_ns"]) <= int(row["done_ns"])
        assert row["held"] == "0"
        if before is not None:
            # 1 ms for a loop whose timer may fire early.
            assert int(row["due_ns"]) - int(before["done_ns"]) >= 29_000_000


def test_only_those_who_are_there_ask():
    """Ten seconds into a run those who left ask nothing, nor do those who are still to come."""
    stays = _users((0, 5_000), (0, HOUR_MS), (HOUR_MS, 2 * HOUR_MS))
    run = Run(stays, after(5), age_s=10)
    assert {session.partition("-")[0] for session in run.driver.of("send")} == {"1"}
    assert run.driver.of("prepare")[:2] == ["0-0", "1-0"]


def test_a_user_asks_nothing_before_they_come():
    """The first question is not due before the user is there."""
    run = Run(_users((30, HOUR_MS)), after(1))
    # 1 ms for a loop whose timer may fire early.
    assert int(run.rows[0]["due_ns"]) >= 29_000_000


def test_nothing_is_due_before_the_run_begins(monkeypatch):
    """Where the loop's timers are early, the first users still wait for time 0: none of them is a warm-up's."""
    call_later = asyncio.BaseEventLoop.call_later
    monkeypatch.setattr(
        asyncio.BaseEventLoop, "call_later", lambda loop, delay, *args: call_later(loop, delay / 2, *args)
    )
    run = Run(_users(*[(0, HOUR_MS)] * 3), after(9), age_s=-0.1)
    assert min(int(row["due_ns"]) for row in run.rows) >= 0
    assert {row["warmup"] for row in run.rows} == {"0"}


def test_a_run_stopped_before_it_begins_asks_nothing():
    """Who changes their mind while the users wait for time 0 has sent nothing, and waits no longer."""
    driver, rows = ScriptedDriver(lambda _request: _ok()), []

    async def main():
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
        engine = ClosedEngine(
            _users((0, HOUR_MS)), FakeVisits(), driver, recorder, LIMITS, lambda _interval, lines: rows.append(lines)
        )
        await engine.open()
        asyncio.get_running_loop().call_soon(engine.stop)
        await engine.run(time.perf_counter_ns() + HOUR_MS * 1_000_000)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert driver.of("send") == []
    assert gzip.decompress(b"".join(rows)) == b""


def test_a_thinking_user_leaves_in_time():
    """Who thinks for longer than they stay leaves at the end of it, without another question, and not before."""
    run = Run(_users((0, 40)), lambda _run, _request: _ok(), visits=FakeVisits(think_ms=HOUR_MS))
    assert len(run.rows) <= 1
    assert run.engine.elapsed_s >= 0.039


async def _ok():
    return Ending(Outcome.OK)


def test_a_connection_is_opened_ahead():
    """Each conversation's connection is asked for before its first question, the first user's before the run."""
    engine_log = []

    async def script(run, request):
        engine_log.append((request.session, list(run.driver.log)))
        if request.session == "0-1":
            run.engine.stop()
        return Ending(Outcome.OK)

    run = Run(_users((0, HOUR_MS)), script, visits=FakeVisits(turns=1, think_ms=20))
    for session, log in engine_log:
        assert log.index(("prepare", session)) < log.index(("send", session))
    assert [session for session, _ in engine_log] == ["0-0", "0-1"]
    assert run.driver.log[0] == ("prepare", "0-0")


def test_a_failed_turn_does_not_end_a_conversation():
    """A user whose question failed thinks and goes on."""

    async def fails(run, request):
        if request.id == 3:
            run.engine.stop()
        return Ending(Outcome.THROTTLED)

    run = Run(_users((0, HOUR_MS)), fails, visits=FakeVisits(turns=4))
    assert run.outcomes == {"throttled": 4}
    assert {row["session"] for row in run.rows} == {"0-0"}


def test_a_timeout_is_an_outcome_and_the_user_goes_on():
    """An answer that takes too long is given up, and the next question asked."""

    async def first_hangs(run, request):
        if request.id == 0:
            await asyncio.Event().wait()
        run.engine.stop()
        return Ending(Outcome.OK)

    limits = Limits(max_in_flight=10, timeout_s=0.02, graceful_stop_s=5.0)
    run = Run(_users((0, HOUR_MS)), first_hangs, limits=limits)
    assert [row["outcome"] for row in run.rows] == ["timeout", "ok"]


def test_stopped_once_thinkers_leave_and_answers_are_waited_for():
    """After a stop nothing more is asked, nobody thinks to the end, and what is in flight ends on its own."""

    async def script(run, request):
        if request.session.startswith("1-"):
            await asyncio.sleep(0.03)
            run.engine.stop()
            await asyncio.sleep(0.03)
        return Ending(Outcome.OK)

    run = Run(_users((0, HOUR_MS), (0, HOUR_MS)), script, visits=FakeVisits(think_ms=HOUR_MS))
    assert run.outcomes == {"ok": 2}
    assert run.engine.is_stopped


def test_stopped_twice_everything_is_cancelled_now():
    """An abort cancels what is in flight; it was sent."""

    async def script(run, request):
        if request.id == 2:
            run.engine.stop()
            run.engine.abort()
        await asyncio.Event().wait()

    run = Run(_users(*[(0, HOUR_MS)] * 3), script)
    assert run.outcomes == {"cancelled": 3}
    assert all(row["sent_ns"] for row in run.rows)
    (cell,) = recording(run.intervals).cells().values()
    assert (cell.count, cell.sent) == (3, 3)


def test_a_drain_has_a_deadline():
    """A stopped run waits for what is in flight no longer than the graceful stop."""

    async def script(run, _request):
        run.engine.stop()
        await asyncio.Event().wait()

    limits = Limits(max_in_flight=10, timeout_s=60.0, graceful_stop_s=0.02)
    run = Run(_users((0, HOUR_MS)), script, limits=limits)
    assert run.outcomes == {"cancelled": 1}


def test_stopped_before_it_began_nothing_is_sent():
    """A run that was stopped while it opened lets its connections go."""

    async def main():
        driver = ScriptedDriver(_never)
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
        engine = ClosedEngine(_users((0, HOUR_MS)), FakeVisits(), driver, recorder, LIMITS, lambda *_: None)
        await engine.open()
        engine.stop()
        await engine.run(time.perf_counter_ns())
        return driver.log

    assert asyncio.run(main()) == [("prepare", "0-0"), ("finish", "0-0")]


def test_a_fault_in_a_driver_ends_the_run_and_is_raised():
    """A driver that raises is a bug: it is not swallowed, and nobody else goes on."""

    async def bug(_run, request):
        if request.id == 1:
            raise KeyError("x")
        await asyncio.Event().wait()

    with pytest.raises(KeyError):
        Run(_users(*[(0, HOUR_MS)] * 3), bug)


def test_a_sink_that_fails_ends_the_run():
    """If what was recorded can't be kept, the run stops instead of sending on."""

    def full(_interval, _rows):
        raise OSError(28, "No space left on device")

    async def main():
        driver = ScriptedDriver(lambda _request: _never(None, None))
        recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
        engine = ClosedEngine(_users((0, HOUR_MS)), FakeVisits(), driver, recorder, LIMITS, full)
        await engine.run(time.perf_counter_ns())

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(main())


def test_no_users():
    """A shard without users ends at once, with one empty second."""
    run = Run(_users(), _never)
    assert (run.rows, len(run.intervals), run.driver.log) == ([], 1, [])


async def _answers(_run, _request):
    return Ending(Outcome.OK)


def test_users_send_the_first_so_many_requests_and_no_more():
    """A guard ends the run; what it refused was never asked, and has no row."""

    class Guarded(Run):
        async def _main(self, age_s):
            self.shard = {"guard": Guard(self.driver, price=lambda _model, _usage: None, max_requests=7)}
            await super()._main(age_s)

    run = Guarded(_users(*[(0, HOUR_MS)] * 3), _answers)
    assert sorted(int(row["id"]) for row in run.rows) == list(range(7))
    assert run.engine.is_stopped
    assert run.engine.books().halted == "stopped by --max-requests 7"


def test_users_are_held_back_to_the_rate():
    """However many want to ask at once: no two requests are launched closer than the rate allows."""
    limits = Limits(max_in_flight=1000, timeout_s=5.0, graceful_stop_s=5.0, max_per_s=100)
    run = Run(_users(*[(0, HOUR_MS)] * 20), after(12), limits=limits)
    # Slots are on a grid of 10 ms; a loop's timer may be early by the millisecond that it rounds to, never by a slot.
    launched_ms = sorted(int(row["due_ns"]) / 1e6 for row in run.rows)
    assert len(launched_ms) >= 12
    assert all(moment >= 10 * place - 2 for place, moment in enumerate(launched_ms))


def test_what_users_ask_in_the_warm_up_belongs_to_it():
    """When a question was asked decides; an answer that comes when the warm-up is over makes it no part of the rest."""

    async def first_outlasts_it(run, request):
        if request.id == 0:
            run.engine._recorder.warm_ns = run.engine._clock()
        elif request.id == 3:
            run.engine.stop()
        return Ending(Outcome.OK)

    run = Run(_users((0, HOUR_MS)), first_outlasts_it, warmup_s=3600.0)
    assert {row["id"]: row["warmup"] for row in run.rows} == {"0": "1", "1": "0", "2": "0", "3": "0"}
    whole = recording(run.intervals)
    assert [sum(cell.count for cell in part.values()) for part in (whole.warm(), whole.cells())] == [1, 3]
    assert [sum(getattr(one, name) for one in run.intervals) for name in ("warm_planned", "warm_sent")] == [1, 1]


def test_users_stopped_in_the_warm_up_were_only_there():
    """A run that ends before its warm-up does has measured nothing, and says of every question where it went."""
    run = Run(_users((0, HOUR_MS), (0, HOUR_MS)), after(5), warmup_s=3600.0)
    whole = recording(run.intervals)
    assert whole.cells() == {}
    assert sum(cell.count for cell in whole.warm().values()) == len(run.rows)
    assert sum(one.warm_sent for one in run.intervals) == len(run.rows)
