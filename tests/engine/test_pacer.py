"""The pacer launches every row once, in order, never early."""

import asyncio
import time

import pytest

from loadtester.engine import pacer as module
from loadtester.engine.pacer import Pacer, _LoopTimer


def _paced(due_ns, *, launch=None):
    launched = []

    async def main():
        zero_ns = time.perf_counter_ns()

        def record(row):
            launched.append((row, time.perf_counter_ns() - zero_ns))
            if launch is not None:
                launch(pacer, row)

        pacer = Pacer(due_ns, record, zero_ns)
        pacer.start()
        await asyncio.wait_for(pacer.finished.wait(), 10)
        return pacer

    return asyncio.run(main()), launched


@pytest.fixture(params=["timerfd", "loop"])
def any_timer(request, monkeypatch):
    """Both kinds of timer."""
    if request.param == "loop":
        monkeypatch.setattr(module, "_TimerFd", _LoopTimer)


@pytest.mark.usefixtures("any_timer")
def test_in_order_never_early():
    """Each row once, in order, not before it is due."""
    due_ns = [k * 500_000 for k in range(200)]
    _, launched = _paced(due_ns)
    assert [row for row, _ in launched] == list(range(200))
    assert all(at >= due for (_, at), due in zip(launched, due_ns, strict=True))


@pytest.mark.usefixtures("any_timer")
def test_when_behind_it_launches_at_once_but_lets_the_loop_turn():
    """Rows already due go out in batches, with turns of the loop between them."""
    turns = []

    async def main():
        loop = asyncio.get_running_loop()
        launched = []
        pacer = Pacer([0] * (3 * module.BATCH), launched.append, time.perf_counter_ns())
        pacer.start()

        def count():
            turns.append(len(launched))
            if not pacer.finished.is_set():
                loop.call_soon(count)

        loop.call_soon(count)
        await asyncio.wait_for(pacer.finished.wait(), 10)
        return launched

    assert asyncio.run(main()) == list(range(3 * module.BATCH))
    assert turns[0] == module.BATCH


@pytest.mark.usefixtures("any_timer")
def test_stopped_inside_a_launch():
    """A launch may stop the pacer; `next_row` tells what was not launched."""
    pacer, launched = _paced([0, 0, 0, 0], launch=lambda pacer, row: pacer.stop() if row == 1 else None)
    assert [row for row, _ in launched] == [0, 1]
    assert pacer.next_row == 2


@pytest.mark.usefixtures("any_timer")
@pytest.mark.parametrize("due_ns", [[0, 0], [10**9]])
def test_stopped_before_it_started(due_ns):
    """A pacer that was stopped launches nothing when it is started."""
    launched = []

    async def main():
        pacer = Pacer(due_ns, launched.append, time.perf_counter_ns())
        pacer.stop()
        pacer.start()
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert launched == []


def test_no_rows():
    """An empty plan is finished as it starts."""
    pacer, launched = _paced([])
    assert launched == []
    assert pacer.finished.is_set()
