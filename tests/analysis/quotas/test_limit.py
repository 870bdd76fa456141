"""Limits inferred from calls whose quota is known by construction."""

from dataclasses import replace

import numpy as np
import pytest

from loadtester.analysis.quotas.limit import infer_limit


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("limit", "duration_s"), [(20_000, 40), (20_000, 130), (200_000, 60)])
def test_a_bucket_is_known_to_half_a_percent(calls_under, bucket, limit, duration_s, seed):
    """The interval holds the truth, is narrow, and the window is named."""
    calls = calls_under(bucket(limit), rate=limit / 2000, duration_s=duration_s, seed=seed)
    found = infer_limit(calls)
    assert found.low <= limit <= found.high
    assert found.high - found.low < 0.01 * limit
    assert (found.unit, found.window) == ("tokens", "bucket")
    assert found.explained > 0.9


@pytest.mark.parametrize("turn_s", [7.3, 31.0, 55.5])
def test_a_fixed_minute_is_found_wherever_its_clock_stands(calls_under, minute, turn_s):
    """Over two minutes and more their turns are in view, and the limit is known closely."""
    found = infer_limit(calls_under(minute(20_000, turn_s), rate=30, duration_s=150))
    assert found.low <= 20_000 <= found.high
    assert found.high - found.low < 0.05 * 20_000
    assert found.window == "minute"


def test_within_one_minute_any_phase_is_as_likely(calls_under, minute):
    """Where no turn is in view the limit may be lower, with a turn before the first refusal: the interval says so."""
    found = infer_limit(calls_under(minute(20_000, 58.0), rate=30, duration_s=30))
    assert found.low <= 20_000 <= found.high
    assert found.window == "minute"
    assert found.per_minute == pytest.approx(20_000, rel=0.03)


def test_quiet_seconds_do_not_fill_a_bucket_beyond_its_brim(calls_under, bucket):
    """A spike after a quiet while meets a full bucket, not all that might have flowed into it."""
    calls = calls_under(bucket(20_000), rate=20, duration_s=200, quiet_until_s=150)
    assert calls.sent_s[calls.is_refused].min() > 150
    found = infer_limit(calls)
    assert found.low <= 20_000 <= found.high
    assert found.high - found.low < 0.05 * 20_000


def test_requests_a_minute_are_told_from_tokens(calls_under, bucket):
    """Where refusals name requests, requests are counted."""
    found = infer_limit(calls_under(bucket(300), rate=20, duration_s=60, unit="requests"))
    assert found.unit == "requests"
    assert found.low <= 300 <= found.high
    assert found.high - found.low < 10


def test_too_few_refusals_tell_nothing(calls_under, bucket):
    """No refusal, or a handful, give no limit rather than a bad one."""
    assert infer_limit(calls_under(bucket(10**9), rate=20, duration_s=10)) is None
    calls = calls_under(bucket(20_000), rate=26, duration_s=5)
    assert 0 < calls.is_refused.sum() < 10
    assert infer_limit(calls) is None


def test_later_attempts_hide_the_limit(calls_under, bucket):
    """When a call was let in is not known of one that was tried again: no limit rather than a wrong one."""
    calls = calls_under(bucket(20_000), rate=20, duration_s=60)
    assert infer_limit(calls) is not None
    assert infer_limit(replace(calls, is_retried=calls.is_admitted & (np.arange(len(calls)) % 9 == 0))) is None
