"""The verdict of runs whose trouble is known by construction: each cause is provoked, named and weighed."""

import numpy as np
import pytest

from loadtester.analysis.figures import figures, totals
from loadtester.analysis.validity import judge
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording

SECONDS = 100
A_SECOND = 10
PLANNED = SECONDS * A_SECOND
OK = CellKey("q", "ai", "m", "m", Outcome.OK)
DROPPED = CellKey("q", "ai", "m", "", Outcome.DROPPED)
BROKEN = CellKey("q", "ai", "m", "", Outcome.BROKEN)


def _verdict(
    *,
    latency_s=1.0,
    lag_s=(0.0005,) * A_SECOND,
    in_flight=10,
    cpu_s=lambda _second: 0.1,
    stall_s=lambda _second: 0.001,
    cells=None,
    planned=PLANNED,
    answers=PLANNED,
    **manifest,
):
    """Judge a run of 100 seconds with 10 requests a second, sound but for what is given."""

    def counts(second):
        if second * A_SECOND >= answers:
            return {}
        return {
            Series("latency", "q", "ai", "m", True): _counted([latency_s] * min(A_SECOND, answers)),
            Series("lag", "q", "ai", "m", True): _counted(lag_s),
        }

    intervals = [
        Interval(
            second,
            planned=A_SECOND,
            sent=A_SECOND,
            in_flight=in_flight,
            cpu_s=cpu_s(second),
            stall_s=stall_s(second),
            counts=counts(second),
        )
        for second in range(SECONDS)
    ]
    all_cells = {OK: Cell(count=answers, sent=answers, in_slo=answers), **(cells or {})}
    run = recording([*intervals, Interval(SECONDS, cells=all_cells)])
    whole = totals(run)
    total = figures(
        whole,
        lambda _: True,
        price_table({}),
        due=(planned, sum(cell.sent for cell in all_cells.values())),
        duration_s=float(SECONDS),
        elapsed_s=float(SECONDS),
    )
    facts = {"workers": 1, "plan": {"requests": PLANNED, "duration_s": float(SECONDS)}, "host": {"cores": 4}}
    return judge(facts | manifest, run, whole, total, float(SECONDS))


def _counted(values_s):
    return count_ns(np.array([round(value * 1e9) for value in values_s], dtype=np.int64))


def _first(seconds, value, otherwise):
    return lambda second: value if second < seconds else otherwise


def test_a_sound_run_is_valid():
    """Delivered as planned, on time, with figures that agree: nothing to say."""
    validity = _verdict()
    assert (validity.verdict, validity.reasons) == ("valid", ())


CAUSES = {
    "a few dropped": (
        {"cells": {DROPPED: Cell(count=15)}, "planned": PLANNED + 15},
        "dropped", "suspect", "target, not generator: 15 of 1,015",
    ),
    "many dropped": (
        {"cells": {DROPPED: Cell(count=60)}, "planned": PLANNED + 60},
        "dropped", "invalid", "--max-in-flight",
    ),
    "killed": ({"planned": PLANNED + 100}, "undelivered", "invalid", "100 of 1,100 planned requests (9.1%) were never"),
    "target gone": ({"target_ended": "the app ended"}, "target_ended", "invalid", "the app ended"),
    "worker lost": ({"lost_workers": [1], "workers": 2}, "lost_workers", "suspect", "1 of 2 workers"),
    "lag": ({"lag_s": (0.2,) * A_SECOND}, "lag", "invalid", "generator, not target: lag p99 200 ms (limit 50 ms)"),
    "stalls": (
        {"stall_s": _first(2, 0.9, 0.001)},
        "stall", "suspect", "event loop away for 900 ms at most",
    ),
    "busy": ({"cpu_s": _first(3, 0.97, 0.2)}, "cpu", "suspect", "at most 97%; use --workers 2"),
    "little": ({"in_flight": 20}, "little", "suspect", "20.0 requests in flight on average"),
    "clipped": ({"latency_s": 5000.0, "in_flight": 36_000}, "clipped", "suspect", "1,000 values"),
    "no usage": (
        {"cells": {OK: Cell(count=PLANNED, sent=PLANNED, estimated=3)}},
        "usage_missing", "suspect", "no usage for 3 answers",
    ),
    "none ok": ({"answers": 0, "cells": {BROKEN: Cell(count=5, sent=5)}, "planned": 5, "in_flight": 0},
        "no_ok_answer", "suspect", "not one of 5 requests",
    ),
    "too few": ({"answers": 10, "planned": 10, "in_flight": 0}, "few_samples", "suspect", "too few ok answers (10)"),
}  # fmt: skip


@pytest.mark.parametrize(("trouble", "code", "verdict", "words"), CAUSES.values(), ids=CAUSES)
def test_each_cause_is_named(trouble, code, verdict, words):
    """What spoils a run is the one reason given, in a sentence with its figures, and alone sets the verdict."""
    validity = _verdict(**trouble)
    assert [reason.code for reason in validity.reasons] == [code]
    (reason,) = validity.reasons
    assert validity.verdict == reason.verdict == verdict
    assert words in reason.message
    assert "\n" not in reason.message
    assert reason.evidence


EDGES = {
    "1 % dropped": {"cells": {DROPPED: Cell(count=10)}, "planned": PLANNED + 10},
    "lag of 49 ms": {"lag_s": (0.049,) * A_SECOND},
    "late once": {"lag_s": (*(0.0005,) * 299, 5.0)},
    "short stalls": {"stall_s": lambda _: 0.049},
    "one long stall": {"stall_s": _first(1, 1.0, 0.001)},
    "one busy second": {"cpu_s": _first(1, 1.0, 0.1)},
    "busy, not saturated": {"cpu_s": lambda _: 0.89},
    "9 % off Little's law": {"in_flight": 10.9},
    "one off, arrivals in step": {"latency_s": 0.51, "in_flight": 6},
    "a handful in flight": {"latency_s": 0.1, "in_flight": 3},
}


@pytest.mark.parametrize("trouble", EDGES.values(), ids=EDGES)
def test_what_can_not_be_seen_in_a_p99_is_let_pass(trouble):
    """Up to the documented limits a run stays valid."""
    assert _verdict(**trouble).reasons == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"workers": 1}, "use --workers 2"),
        ({"workers": 2, "cpu_s": lambda _: 1.94}, "use --workers 3"),
        ({"workers": 4, "cpu_s": lambda _: 3.9}, "use a machine with more cores"),
        ({"cpu_s": lambda _: 0.3}, "leave this machine to fmload"),
    ],
)
def test_lag_names_its_remedy(facts, words):
    """A saturated core asks for workers while there are cores for them; an idle one was kept from running."""
    validity = _verdict(**{"lag_s": (0.212,) * A_SECOND, "cpu_s": lambda _: 0.97, **facts})
    reason = validity.reasons[0]
    assert reason.code == "lag"
    assert "lag p99 212 ms" in reason.message
    assert words in reason.message
    assert set(reason.evidence) == {"lag_p99_s", "limit_s", "stall_s", "cpu_share"}


def test_lag_is_measured_by_the_gap_where_arrivals_are_rare():
    """With two seconds between arrivals a twentieth of that is no delay of note."""
    rare = {"plan": {"requests": 50, "duration_s": float(SECONDS)}}
    assert _verdict(lag_s=(0.09,) * A_SECOND, **rare).verdict == "valid"
    assert _verdict(lag_s=(0.11,) * A_SECOND, **rare).verdict == "invalid"


def test_both_ways_to_lose_requests_count_together():
    """Drops and requests without an outcome that are each under the limit are over it together, and named apart."""
    validity = _verdict(cells={DROPPED: Cell(count=30)}, planned=PLANNED + 60)
    assert [(reason.code, reason.verdict) for reason in validity.reasons] == [
        ("dropped", "invalid"),
        ("undelivered", "invalid"),
    ]


def test_the_worst_reason_comes_first():
    """A report's first line names what matters most."""
    validity = _verdict(in_flight=20, lag_s=(1.0,) * A_SECOND)
    assert [reason.code for reason in validity.reasons] == ["lag", "little"]
    assert validity.verdict == "invalid"


def test_a_lost_worker_is_why_requests_have_no_outcome():
    """The lost shard's requests are blamed on the loss, not on a killed run."""
    validity = _verdict(planned=PLANNED + 500, lost_workers=[0], workers=2)
    assert "because a worker was lost" in validity.reasons[0].message
    assert {reason.code for reason in validity.reasons} == {"undelivered", "lost_workers"}
