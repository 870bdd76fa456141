"""Several watchers of one run: what fails is told once and left out."""

import pytest

from loadtester.errors import FmloadError
from loadtester.live import Quiet, Together


class Front(Quiet):
    def __init__(self):
        self.said, self.seen = [], []

    def observe(self, tick):
        self.seen.append(tick)

    def say(self, text):
        self.said.append(text)


class Failing(Quiet):
    def __init__(self, *, at=None, on=()):
        self.at, self.on, self.seen, self.is_open = at, on, 0, False

    def __enter__(self):
        if "enter" in self.on:
            raise FmloadError("no")
        self.is_open = True
        return self

    def __exit__(self, *error):
        self.is_open = False
        if "exit" in self.on:
            raise OSError("gone")

    def observe(self, tick):
        self.seen += 1
        if tick == self.at:
            raise ValueError(tick)


def test_a_watcher_that_fails_is_told_of_once_and_left_out():
    """The others see every second, and what failed is closed."""
    front, failing, fine = Front(), Failing(at=2), Failing()
    with Together(front, failing, fine) as together:
        for tick in (1, 2, 3):
            together.observe(tick)
        assert not failing.is_open
    assert (front.seen, failing.seen, fine.seen) == ([1, 2, 3], 2, 3)
    (line,) = front.said
    assert "Failing" in line
    assert "ValueError" in line


def test_one_that_can_t_begin_ends_the_others():
    """A port in use ends the run before it begins, and leaves no thread behind."""
    fine = Failing()
    with pytest.raises(FmloadError, match="no"), Together(Front(), fine, Failing(on="enter")):
        pytest.fail("entered")
    assert not fine.is_open


def test_one_that_can_t_end_keeps_nobody_from_ending():
    """The report is still to come."""
    front, fine = Front(), Failing()
    with Together(front, fine, Failing(on="exit")):
        pass
    assert not fine.is_open
    assert "gone" in front.said[0]


def test_a_front_that_fails_leaves_the_others():
    """The terminal went away: the exporters go on, and saying so is no fault."""

    class Gone(Front):
        def observe(self, _):
            raise OSError("broken pipe")

        def say(self, _):
            raise OSError("broken pipe")

    fine = Failing()
    with Together(Gone(), fine) as together:
        together.observe(1)
        together.observe(2)
    assert fine.seen == 2


def test_quiet_is_silent_till_the_load_is_on():
    """What is said on the way there is progress; from then on it is what stops the run or fails in it."""
    said = []
    with Together(Quiet(said.append)) as together:
        together.say("starting the target …")
        together.observe(1)
        together.say("cannot write it")
    assert said == ["cannot write it"]
