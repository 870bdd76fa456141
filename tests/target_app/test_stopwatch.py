"""Where time goes, on a clock that only the test moves."""

import pytest

from target_app.stopwatch import Stopwatch


class Clock:
    now_ns = 5_000_000_000

    def __call__(self):
        return self.now_ns

    def pass_s(self, seconds):
        self.now_ns += round(seconds * 1e9)


def test_times_of_a_part_add_up():
    """A part that comes twice took both, also where it failed; time between the parts is in the total alone."""
    clock = Clock()
    watch = Stopwatch(clock)
    with watch.timed("a"):
        clock.pass_s(1)
    clock.pass_s(2)

    def fails():
        with watch.timed("a"):
            clock.pass_s(4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (watch.spent_s("a"), watch.spent_s("b"), watch.total_s()) == (5, 0, 7)


def test_only_the_first_stamp_counts():
    """A stamp says how far its part had come the first time; without one, it is what the caller says."""
    clock = Clock()
    watch = Stopwatch(clock)
    clock.pass_s(8)
    with watch.timed("model"):
        for _ in range(2):
            clock.pass_s(1)
            watch.stamp("model", "first")
    assert (watch.spent_s("first"), watch.spent_s("model"), watch.spent_s("other", 3)) == (1, 2, 3)


def test_a_part_inside_another_is_its_own():
    """What the inner parts take, however deep, is theirs, and no time of what is around them."""
    clock = Clock()
    watch = Stopwatch(clock)
    with watch.timed("outer"):
        clock.pass_s(1)
        with watch.timed("inner"):
            clock.pass_s(2)
            with watch.timed("deep"):
                clock.pass_s(4)
        with watch.timed("inner"):
            clock.pass_s(8)
        clock.pass_s(16)
    assert [watch.spent_s(part) for part in ("outer", "inner", "deep")] == [17, 10, 4]
