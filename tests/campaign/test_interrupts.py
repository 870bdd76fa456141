"""A signal is known at once, acts when the loop has time, and behind the run does what it did before it."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from loadtester.analysis import summarise
from loadtester.campaign import campaign
from loadtester.campaign.interrupts import interruptible
from loadtester.cost import price_table
from loadtester.errors import Exit, FmloadError
from loadtester.loop import on_loop
from loadtester.rundir import read
from loadtester.scenario import resolve

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
LOOPS = pytest.mark.parametrize("on", [on_loop, asyncio.run])


@pytest.fixture
def terminated():
    """SIGTERM is as Ctrl-C, as a night has it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def example():
    past = read(Path(__file__).parents[2] / "reports" / "example")
    return summarise(past.manifest, past.recording, price_table({}))


class Runner:
    """What a signal drains: it is told by `stop`, which ends the test's waiting."""

    def __init__(self):
        self.is_stopped = False
        self.stopped = asyncio.Event()

    def stop(self):
        self.is_stopped = True
        self.stopped.set()


class Watching:
    """Watches a run, and keeps it to itself."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def say(self, text):
        pass


@LOOPS
@SIGNALS
def test_a_signal_drains_the_load(on, number):
    """It wakes a loop that waits for something else."""

    async def loaded():
        with interruptible() as interrupts:
            interrupts.runner = Runner()
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
            await asyncio.wait_for(interrupts.runner.stopped.wait(), 30)
            return interrupts.has_come

    assert on(loaded())


@LOOPS
@SIGNALS
def test_a_signal_before_any_load_ends_the_program(on, number):
    """With 105."""

    async def opening():
        with interruptible():
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
            await asyncio.sleep(30)

    with pytest.raises(FmloadError, match="before any load") as caught:
        on(opening())
    assert caught.value.code is Exit.INTERRUPTED


@LOOPS
@SIGNALS
def test_a_signal_is_known_while_the_loop_stands_still(on, number):
    """As it does while a run is judged."""

    async def judging():
        with interruptible() as interrupts:
            interrupts.runner = Runner()
            assert not interrupts.has_come
            os.kill(os.getpid(), number)
            return interrupts.has_come

    assert on(judging())


@LOOPS
@SIGNALS
@pytest.mark.usefixtures("terminated")
def test_behind_it_signals_are_as_they_were(on, number):
    """One between a run and its caller raises there: nothing swallows it."""

    async def left():
        with interruptible():
            pass
        os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        on(left())


@pytest.mark.parametrize(("codes", "expected"), [((0,), (105,)), ((99, 111), (99, 105, 111)), ((105,), (105,))])
@SIGNALS
def test_a_signal_while_a_run_is_judged_ends_what_was_to_follow(
    tmp_path, monkeypatch, example, number, codes, expected
):
    """The report is whole, and says 105 with all else that holds."""
    report = replace(example, exit_codes=codes)

    async def drive(*_):
        return {}

    def judged(*_, **_options):
        os.kill(os.getpid(), number)
        return report

    monkeypatch.setattr(campaign, "drive", drive)
    monkeypatch.setattr(campaign, "judged", judged)
    given = resolve({"target.url": "http://127.0.0.1:1", "output.directory": str(tmp_path)})
    assert campaign.run(given, lambda *_: Watching()).exit_codes == expected
