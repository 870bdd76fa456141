"""A warm-up that was too short is told from a target that changed for other reasons; one too long is told, too."""

import numpy as np
import pytest

from loadtester.analysis import summarise
from loadtester.analysis.warmup import warm_s
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording

SECONDS, A_SECOND = 200, 10
OK = CellKey("q", "ai", "m", "m", Outcome.OK)
THROTTLED = CellKey("q", "ai", "m", "", Outcome.THROTTLED)


def _second(second, slow_s, throttled, retried):
    rng = np.random.default_rng([1, second])
    took_ns = (rng.lognormal(0.0, 0.2, A_SECOND) * 1e9 * (2.0 if second < slow_s else 1.0)).astype(np.int64)
    cells = {OK: Cell(count=A_SECOND, sent=A_SECOND, in_slo=A_SECOND, retried=retried(second))}
    if throttled(second):
        cells[THROTTLED] = Cell(count=throttled(second), sent=throttled(second))
    sent = sum(cell.count for cell in cells.values())
    counts = {Series("latency", "q", "ai", "m", is_ok=True): count_ns(took_ns)}
    return Interval(second, planned=sent, sent=sent, in_flight=10, cells=cells, counts=counts)


def _reasons(*, slow_s=40, warmup_s=0.0, throttled=lambda _: 0, retried=lambda _: 0, load=None, **manifest):
    """What is said of a run of 200 s whose first `slow_s` were twice as slow."""
    run = recording(_second(second, slow_s, throttled, retried) for second in range(int(warmup_s), SECONDS))
    facts = {
        "status": "complete", "elapsed_s": float(SECONDS), "workers": 1, "pattern": "sustained",
        "plan": {"requests": SECONDS * A_SECOND, "duration_s": float(SECONDS)},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1_000}, "load": {"warmup_s": warmup_s, **(load or {})},
            "mix": [{"name": "q", "share": 1.0}],
        },
    }  # fmt: skip
    reasons = summarise(facts | manifest, run, price_table({})).validity.reasons
    return {reason.code: reason for reason in reasons if reason.code.startswith("warmup")}


def test_a_slow_start_asks_for_a_warm_up():
    """It says how long the start was, and the flag that leaves it out."""
    reason = _reasons()["warmup_short"]
    assert reason.verdict == "suspect"
    assert 38 <= reason.evidence["needed_s"] <= 50
    assert f"--warmup {reason.evidence['needed_s']}s leaves them out" in reason.message


def test_a_warm_up_that_was_long_enough_is_not_complained_of():
    """The same target, its start left out."""
    assert _reasons(warmup_s=45.0) == {}


@pytest.mark.parametrize("kind", ["throttled", "retried"])
def test_a_quota_that_is_met_is_no_warm_up(kind):
    """Once it throttles, or once it no longer does, the target has another load, and another latency."""
    assert "warmup_short" in _reasons(**{kind: lambda _: 3})
    assert _reasons(**{kind: lambda second: 3 if second >= 40 else 0}) == {}
    assert _reasons(**{kind: lambda second: 3 if second < 40 else 0}) == {}


def test_only_steady_traffic_is_asked():
    """A ramp's start is unlike its end by plan, as is that of users whose number changes."""
    assert _reasons(pattern="ramp") == {}
    assert "warmup_short" in _reasons(pattern="users")
    assert _reasons(pattern="users", load={"user_stages": [{"duration_s": 100.0, "users": 9}]}) == {}


def test_a_stopped_run_is_judged_by_the_time_it_had():
    """Seconds of the plan that never came are no gap in its answers."""
    assert "warmup_short" in _reasons(stopped_s=150.0)
    assert _reasons(stopped_s=60.0) == {}


def test_a_warm_up_of_over_half_the_run_is_told():
    """What was measured is then the smaller part; half is let pass."""
    assert set(_reasons(warmup_s=101.0)) == {"warmup_long"}
    assert _reasons(warmup_s=100.0) == {}


def test_a_run_of_an_earlier_version_had_none():
    """Its scenario says nothing of a warm-up."""
    assert warm_s({"scenario": {"load": {}}}) == warm_s({}) == 0.0
