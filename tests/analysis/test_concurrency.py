"""Requests in flight on average, from times alone."""

from types import SimpleNamespace

import pytest

from loadtester.analysis.concurrency import concurrent
from loadtester.analysis.report import Spread, Warmup


def _report(elapsed_s, warm_s=None):
    return SimpleNamespace(elapsed_s=elapsed_s, warmup=None if warm_s is None else Warmup(warm_s, 5, 5, None))


PART = SimpleNamespace(service=Spread(30, mean=2.0), failed_latency=Spread(10, mean=1.0))


def test_it_is_littles_law():
    """Thirty answers of two seconds and ten failures of one, in ten seconds: seven at a time."""
    assert concurrent(PART, _report(10.0)) == pytest.approx(7.0)


def test_the_warmup_is_in_neither():
    """Its requests are not counted, so its seconds are not either; without measured time there is no telling."""
    assert concurrent(PART, _report(14.0, warm_s=4.0)) == pytest.approx(7.0)
    assert concurrent(PART, _report(4.0, warm_s=4.0)) is None
