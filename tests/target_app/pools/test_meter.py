"""A pool's figures: what was counted, over which time."""

import pytest

from target_app.pools.meter import PoolMeter


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_a_new_meter_has_nothing_to_say():
    """Before the first checkout there is no mean; nothing is in use."""
    report = PoolMeter(10, Clock()).report()
    assert (report.size, report.active, report.idle, report.checkouts, report.timeouts) == (0, 0, 0, 0, 0)
    assert (report.mean_checkout_ms, report.max_checkout_ms, report.utilisation) == (None, None, 0.0)


def test_waits_are_those_of_the_checkouts_that_got_a_connection():
    """A checkout that timed out counts as one, and leaves mean and maximum alone."""
    meter = PoolMeter(10, Clock())
    meter.took(0.010)
    meter.took(0.030)
    meter.timed_out()
    report = meter.report()
    assert (report.checkouts, report.timeouts) == (3, 1)
    assert report.mean_checkout_ms == pytest.approx(20)
    assert report.max_checkout_ms == pytest.approx(30)


def test_utilisation_is_the_mean_over_time():
    """Four of ten for a second, then none for three, is a tenth."""
    clock = Clock()
    meter = PoolMeter(10, clock)
    for _ in range(4):
        meter.took(0.0)
    clock.now_s += 1
    for _ in range(4):
        meter.gave_back()
    clock.now_s += 3
    report = meter.report()
    assert report.utilisation == pytest.approx(0.1)
    assert report.window_s == 4


def test_a_restart_forgets_the_counts_and_keeps_the_connections():
    """A new window knows what is in use, and nothing of what was."""
    clock = Clock()
    meter = PoolMeter(2, clock)
    meter.size = 2
    meter.took(0.5)
    clock.now_s += 10
    meter.restart()
    clock.now_s += 1
    report = meter.report()
    assert (report.checkouts, report.max_checkout_ms, report.active, report.idle) == (0, None, 1, 1)
    assert report.utilisation == pytest.approx(0.5)


def test_a_pool_of_a_library_is_fed_from_outside():
    """Whoever can't know how many connections are open still reports those in use, also when the use fails."""
    meter = PoolMeter(50, Clock())
    with meter.leased(0.002):
        assert (meter.report().size, meter.report().active) == (1, 1)

    def fail():
        with meter.leased(0.002):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert (meter.report().size, meter.report().active, meter.report().checkouts) == (0, 0, 2)
