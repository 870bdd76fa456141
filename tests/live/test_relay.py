"""Watching happens on another thread, in order and to the end."""

import sys
import threading

from loadtester.live import Quiet, Relay


class Seeing(Quiet):
    def __init__(self):
        self.ticks, self.threads = [], set()

    def observe(self, tick):
        self.ticks.append(tick)
        self.threads.add(threading.current_thread())


def test_every_second_is_seen_in_order_on_another_thread(second_of):
    """When the relay has ended the last one was seen; the thread that sends did none of it."""
    seeing = Seeing()
    with Relay(seeing) as relay:
        for number in range(50):
            relay.take(second_of(number, ok=2))
    assert [tick.sent for tick in seeing.ticks] == [2 * n for n in range(1, 51)]
    assert threading.current_thread() not in seeing.threads


def test_a_watcher_that_hangs_keeps_no_second_waiting(second_of, monkeypatch):
    """The thread that sends hands over and goes on; what could not be shown is said."""
    monkeypatch.setattr("loadtester.live.relay._END_LIMIT_S", 0.05)
    go_on = threading.Event()
    said = []

    class Hanging(Quiet):
        def observe(self, _):
            go_on.wait()

        def say(self, text):
            said.append(text)

    with Relay(Hanging()) as relay:
        for number in range(1_000):
            relay.take(second_of(number))
    go_on.set()
    relay._thread.join()
    assert "too slow" in said[0]


def test_the_interpreter_is_given_back_as_it_was():
    """The shorter turns of threads are the run's alone."""
    before_s = sys.getswitchinterval()
    with Relay(Quiet()):
        assert sys.getswitchinterval() < before_s
    assert sys.getswitchinterval() == before_s
