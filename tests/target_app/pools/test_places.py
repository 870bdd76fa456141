"""The places before a client that keeps its connections itself."""

import asyncio

import pytest

from target_app.pools.limits import PoolLimits
from target_app.pools.places import CheckoutTimeoutError, Places

TWO = PoolLimits(min_size=0, max_size=2, connect_s=1.0, read_s=1.0, checkout_s=0.5)


def test_calls_over_the_bound_wait_in_line_until_the_limit(run_virtually):
    """Two at a time, the next in their order; who waits too long is refused, and each is counted."""
    done = []

    async def call(places, number):
        async with places.lease():
            await asyncio.sleep(0.3)
            done.append(number)

    async def run():
        places = Places(TWO, asyncio.get_running_loop().time)
        results = await asyncio.gather(*(call(places, number) for number in range(5)), return_exceptions=True)
        assert [type(result) for result in results] == [type(None)] * 4 + [CheckoutTimeoutError]
        return places.meter.report()

    report = run_virtually(run())
    assert done == [0, 1, 2, 3]
    assert (report.checkouts, report.timeouts, report.active) == (5, 1, 0)
    assert report.max_checkout_ms == pytest.approx(300)
    assert report.utilisation == pytest.approx(1)
