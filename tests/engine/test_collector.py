"""The garbage collector during a run."""

import gc

import pytest

from loadtester.engine.collector import quiet_collector


def _rings(count):
    """Garbage that only the collector can free."""
    for _ in range(count):
        ring = []
        ring.append(ring)


def test_ordinary_work_never_starts_it():
    """Tens of thousands of new objects, ten times what starts it otherwise, do not start it."""
    began = []
    gc.callbacks.append(lambda phase, _info: began.append(phase))
    try:
        with quiet_collector():
            began.clear()
            _rings(20_000)
            assert began == []
    finally:
        gc.callbacks.pop()


def test_a_leak_starts_it():
    """Garbage does not pile up without bound."""
    freed = []
    gc.callbacks.append(lambda _phase, info: freed.append(info["collected"]))
    try:
        with quiet_collector():
            freed.clear()
            _rings(600_000)
            assert sum(freed) > 100_000
    finally:
        gc.callbacks.pop()


def test_afterwards_it_is_as_before():
    """Thresholds and generations are restored, also when the run failed."""
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), quiet_collector():
        raise RuntimeError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
