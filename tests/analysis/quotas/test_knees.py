"""The verdict on what a run met."""

from dataclasses import replace

import numpy as np

from loadtester.analysis.quotas.knees import knees_of, own_trouble
from loadtester.recorder import Interval, recording


def _knees(calls, duration_s=60):
    return knees_of({"m": calls}, duration_s)


def test_a_quota_is_not_a_slow_service(calls_under, bucket):
    """Calls are refused, and those let in are as fast as before: the quota, from when on and at which rate."""
    knees = _knees(calls_under(bucket(60_000), rate=30, duration_s=60))
    assert (knees.met, knees.latency) == ("quota", None)
    assert 10 < knees.quota.at_s < 50
    assert 20 < knees.quota.offered_per_s < 40
    assert knees.slowness < 1.5
    assert "you hit the quota" in knees.words
    assert "as fast as before" in knees.words


def test_a_slow_service_is_no_quota(calls_under, bucket):
    """Nothing is refused, answers take three times as long from 40 s on: the service."""
    knees = _knees(calls_under(bucket(10**9), rate=30, duration_s=60, slow_from_s=40))
    assert (knees.met, knees.quota) == ("service", None)
    assert abs(knees.latency.at_s - 40) <= 2
    assert 2 < knees.slowness < 4
    assert "the service got slow, no quota was hit" in knees.words


def test_both_can_be_met(calls_under, bucket):
    """A run may be throttled and slow; both are said."""
    knees = _knees(calls_under(bucket(60_000), rate=30, duration_s=60, slow_from_s=40))
    assert knees.met == "both"
    assert "you hit the quota" in knees.words
    assert "the service got slow" in knees.words


def test_a_calm_run_met_neither(calls_under, bucket):
    """Chance alone makes no knee, over many seeds."""
    for seed in range(30):
        assert _knees(calls_under(bucket(10**9), rate=30, duration_s=60, seed=seed)).met == "neither"


def test_few_answers_do_not_tell(calls_under, bucket):
    """Under 150 answers say nothing of how fast the service is; refusals still tell of the quota."""
    knees = _knees(calls_under(bucket(4_000), rate=8, duration_s=10), duration_s=10)
    assert (knees.met, knees.slowness) == ("quota", None)
    assert "too few answers" in knees.words


def test_fmloads_own_stall_is_no_slow_service(calls_under, bucket):
    """Answers that took long while the generator was away, or out of processor, make no knee; without that they do."""
    calls = calls_under(bucket(10**9), rate=30, duration_s=60)
    away = (calls.sent_s >= 40) & (calls.sent_s < 46)
    slow = replace(calls, done_s=np.where(away, calls.sent_s + 4 * (calls.done_s - calls.sent_s), calls.done_s))
    assert knees_of({"m": slow}, 60).met == "service"
    for trouble in ({"stall_s": 0.3}, {"busiest_s": 0.95}):
        run = recording(Interval(second, **(trouble if 40 <= second < 47 else {})) for second in range(60))
        knees = knees_of({"m": slow}, 60, own_trouble(run))
        assert (knees.met, knees.latency) == ("neither", None)
        assert knees.slowness < 1.5


def test_a_slow_service_is_one_beside_our_own_trouble_too(calls_under, bucket):
    """A stall at another time, and one of less than 50 ms, take nothing from the verdict."""
    calls = calls_under(bucket(10**9), rate=30, duration_s=60, slow_from_s=40)
    run = recording(Interval(second, stall_s=0.3 if second == 5 else 0.04) for second in range(60))
    knees = knees_of({"m": calls}, 60, own_trouble(run))
    assert knees.met == "service"
    assert abs(knees.latency.at_s - 40) <= 2


def test_a_run_that_was_all_stall_tells_nothing(calls_under, bucket):
    """Where nothing is left to go by, nothing is said of the service."""
    run = recording(Interval(second, stall_s=1.0) for second in range(60))
    knees = knees_of({"m": calls_under(bucket(10**9), rate=30, duration_s=60)}, 60, own_trouble(run))
    assert (knees.met, knees.slowness) == ("neither", None)


def test_what_no_model_worked_on_is_no_measure_of_it(calls_under, bucket):
    """Quick answers of a cache at first, and retries that wait at last, make no slow service."""
    calls = calls_under(bucket(10**9), rate=30, duration_s=60)
    is_hit, is_late = calls.sent_s < 20, calls.sent_s >= 40
    done_s = np.where(is_hit, calls.sent_s + 0.001, np.where(is_late, calls.done_s + 5, calls.done_s))
    mixed = replace(calls, done_s=done_s)
    assert _knees(mixed).met == "service"
    told = replace(mixed, is_admitted=~is_hit, is_retried=is_late)
    knees = _knees(told)
    assert (knees.latency, knees.met) == (None, "quota")
