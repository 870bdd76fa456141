"""Seconds of several workers are passed on in order, each once, whole."""

from hypothesis import given
from hypothesis import strategies as st

from loadtester.fleet.seconds import Seconds
from loadtester.recorder import Interval


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_each_second_once_in_order_with_everybodys_share(lengths, random):
    """However workers interleave and whenever they end, every second comes out once, summed, in order."""
    passed = []
    seconds = Seconds(len(lengths), lambda interval, rows: passed.append((interval, rows)))
    steps = [worker for worker, length in enumerate(lengths) for _ in range(length + 1)]
    random.shuffle(steps)
    at = dict.fromkeys(range(len(lengths)), 0)
    for worker in steps:
        if at[worker] < lengths[worker]:
            seconds.add(worker, Interval(at[worker], sent=1), f"{worker}".encode())
        else:
            seconds.end(worker)
        at[worker] += 1
    longest = max(lengths)
    assert [interval.second for interval, _ in passed] == list(range(longest))
    for interval, rows in passed:
        alive = [worker for worker, length in enumerate(lengths) if length > interval.second]
        assert interval.sent == len(alive)
        assert sorted(rows.decode()) == sorted(map(str, alive))


def test_a_second_waits_for_the_slowest_worker():
    """A second is not passed on while a worker may still add to it; a dead worker holds nothing up."""
    passed = []
    seconds = Seconds(2, lambda interval, _rows: passed.append(interval.second))
    seconds.add(0, Interval(0), b"")
    seconds.add(0, Interval(1), b"")
    assert passed == []
    seconds.add(1, Interval(0), b"")
    assert passed == [0]
    seconds.end(1)
    assert passed == [0, 1]
