"""A step's figures, from the requests that count."""

import numpy as np
import pytest

from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step_requests import Requests, gone_from_s, requests_of
from loadtester.analysis.search.window import wilson, window_of
from loadtester.model import Outcome

PLACE = {outcome.value: number for number, outcome in enumerate(Outcome)}
SLA = goal_of("sla>=99%")


def requests(due_s, took_s=0.1, outcome="ok", is_mine=True):
    """Requests that were sent when due."""
    due_s = np.asarray(due_s, dtype=float)
    n = len(due_s)
    done_s = due_s + np.broadcast_to(took_s, n)
    outcomes = np.array([PLACE[name] for name in np.broadcast_to(outcome, n)], dtype=np.int64)
    return Requests(due_s, due_s, done_s, done_s, outcomes, np.broadcast_to(is_mine, n))


def look(given, goal=SLA, start_s=0.0, end_s=10.0, slo_s=1.0, **changes):
    return window_of(given, goal, slo_s, start_s=start_s, end_s=end_s, **changes)


def test_the_interval_of_a_share_is_wilsons():
    """Half of 100: 0.4038 to 0.5962 (Wilson's formula by hand); all of 380 just clear 99 %."""
    assert wilson(0.5, 100) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    assert wilson(1.0, 381)[0] > 0.99 > wilson(1.0, 380)[0] - 1e-4


def test_bad_requests_in_a_clump_say_less_than_scattered_ones():
    """The same share, with an interval several times as wide."""
    due_s = np.linspace(0.0, 10.0, 3_000, endpoint=False)
    order = np.random.default_rng(0).permutation(3_000)
    scattered, clumped = np.full(3_000, "ok", dtype=object), np.full(3_000, "ok", dtype=object)
    scattered[order[:60]] = clumped[1_500:1_560] = "server_error"
    widths = []
    for outcome in (scattered, clumped):
        window = look(requests(due_s, outcome=outcome))
        assert window.value == pytest.approx(0.98)
        widths.append(window.ci95[1] - window.ci95[0])
    assert widths[1] > 2 * widths[0]


def test_what_was_due_before_the_window_is_left_out():
    """It primes and settles."""
    given = requests([1.0, 2.0, 6.0, 7.0], outcome=["timeout", "timeout", "ok", "ok"])
    window = look(given, start_s=5.0)
    assert (window.count, window.value, window.given_up) == (2, 1.0, 2)


def test_a_bucket_that_ran_empty_in_the_window_counts_from_there():
    """Before, it was full; a quota by the clock's minute counts whole."""
    due_s = np.arange(0.0, 10.0, 0.01)
    outcome = np.where((due_s >= 8.0) & (np.arange(1_000) % 2 == 0), "throttled", "ok")
    window = look(requests(due_s, outcome=outcome), start_s=1.0)
    assert window.from_s == pytest.approx(8.0)
    assert window.value == pytest.approx(0.5, abs=0.01)
    assert window.let_in_per_s == pytest.approx(50.0, rel=0.02)
    assert (window.is_refused, window.was_empty, window.is_empty, window.cause) == (True, False, True, "quota")
    whole = look(requests(due_s, outcome=outcome), start_s=1.0, is_bucket=False)
    assert whole.value == pytest.approx(8 / 9, abs=0.01)


def test_a_surge_that_was_refused_proves_the_bucket_empty():
    """Then the whole window counts, though nothing is refused in it."""
    due_s = np.arange(0.0, 10.0, 0.01)
    outcome = np.where(due_s < 2.0, "throttled", "ok")
    window = look(requests(due_s, outcome=outcome), start_s=3.0)
    assert (window.from_s, window.value, window.was_empty, window.is_empty) == (3.0, 1.0, True, False)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("sla>=99%", 0.5), ("error_rate<1%", 0.25), ("throttle_rate<1%", 0.25), ("timeout_rate<1%", 0.25)],
)
def test_rates_are_those_of_the_measurement_page(expression, value):
    """A throttle breaks the SLA, but is no error; what was never sent counts nowhere."""
    given = requests([1.0, 2.0, 3.0, 4.0, 5.0], outcome=["ok", "ok", "throttled", "timeout", "dropped"])
    assert look(given, goal_of(expression)).value == pytest.approx(value)


def test_a_percentile_is_of_ok_answers_and_has_the_interval_of_its_rank():
    """Failures' latencies are kept apart."""
    took_s = np.concatenate([np.linspace(0.001, 1.0, 1_000), [30.0] * 50])
    given = requests(np.linspace(0.0, 9.9, 1_050), took_s, ["ok"] * 1_000 + ["timeout"] * 50)
    window = look(given, goal_of("latency:p(95)<0.97s"))
    assert window.value == pytest.approx(0.95, abs=0.01)
    assert window.ci95[0] < window.value < window.ci95[1]
    assert window.good == pytest.approx(0.97, abs=0.005)


def test_a_backlog_that_grows_is_seen_and_a_steady_one_is_not():
    """More in flight at the end than chance makes of so many arrivals."""
    due_s = np.sort(np.random.default_rng(1).uniform(0.0, 10.0, 4_000))
    assert look(requests(due_s, 0.5)).grown == 0
    window = look(requests(due_s, 0.05 + 0.08 * due_s))
    assert window.grown > 2 * np.sqrt(4_000 * 0.9)
    assert (window.value, window.cause) == (1.0, "backlog")


def test_a_window_without_a_request_has_no_figure():
    """Nothing to count is not nothing bad."""
    window = look(requests([1.0, 2.0]), start_s=5.0)
    assert (window.count, window.value, window.ci95, window.cause) == (0, None, None, None)


def test_requests_are_read_from_the_lines_of_a_run():
    """By due time, infinite where a moment never came, and told apart by the goal's tags."""
    lines = [
        "id,due_ns,sent_ns,first_ns,done_ns,query,model,outcome",
        "1,2000000000,2000000000,,,greeting,m,timeout",
        "0,1000000000,1100000000,1200000000,1500000000,price_check,m,ok",
    ]
    given = requests_of(lines, (("query", "greeting"),))
    assert given.due_s.tolist() == [1.0, 2.0]
    assert given.done_s.tolist() == [1.5, np.inf]
    assert given.is_mine.tolist() == [False, True]
    assert given.had("ok").tolist() == [True, False]
    assert len(requests_of(lines[:1]).due_s) == 0


@pytest.mark.parametrize(
    ("outcomes", "since_s"),
    [
        (["ok"] * 4 + ["broken", "refused", "refused", "refused", "refused"], 4.0),
        (["refused"] * 6, 0.0),
        (["ok"] * 5 + ["refused"] * 4, None),
        (["refused"] * 8 + ["ok"], None),
        (["ok", "broken"] + ["refused"] * 4 + ["dropped"] * 3, 1.0),
        (["ok"] + ["throttled"] * 8, None),
        ([], None),
    ],
)
def test_a_target_is_gone_where_no_connection_held_to_the_end(outcomes, since_s):
    """Five in a row to the last; an overload lets some through, and refusals for quota are answers."""
    assert gone_from_s(requests(np.arange(float(len(outcomes))), outcome=outcomes)) == since_s
