"""target_app.bedrock.quota: reservation, settlement and both ways to count a minute, on a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock.errors import BedrockError
from target_app.bedrock.limits import Limits
from target_app.bedrock.quota import Quota

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class Clock:
    def __init__(self):
        self.now_ns = 0

    def __call__(self):
        return self.now_ns


def quota(clock, tokens=None, requests=None, window="bucket", day=None):
    return Quota(Limits(tokens, requests, day), window, clock)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_a_minute_s_tokens_are_granted_and_no_more(window):
    """The first call that does not fit is throttled with the service's own words, and holds nothing."""
    limit = quota(Clock(), tokens=1_000, window=window)
    limit.reserve(600)
    with pytest.raises(BedrockError) as refused:
        limit.reserve(401)
    assert (refused.value.name, refused.value.status) == ("ThrottlingException", 429)
    assert refused.value.message == "Too many tokens, please wait before trying again."
    limit.reserve(400)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_what_was_not_used_is_given_back_at_the_end_of_the_call(window):
    """Settlement releases the reservation beyond what is charged."""
    limit = quota(Clock(), tokens=1_000, window=window)
    held = limit.reserve(1_000)
    limit.settle(held, 300)
    limit.reserve(700)
    with pytest.raises(BedrockError):
        limit.reserve(1)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_a_call_that_used_more_than_it_held_is_charged_for_it(window):
    """Burndown can outweigh the reservation: the rest is taken from the same minute."""
    limit = quota(Clock(), tokens=1_000, window=window)
    limit.settle(limit.reserve(100), 950)
    limit.reserve(50)
    with pytest.raises(BedrockError):
        limit.reserve(1)


def test_a_bucket_refills_evenly():
    """At 600 tokens a minute, ten are there again after each second; a debt is worked off first."""
    clock = Clock()
    limit = quota(clock, tokens=600)
    limit.settle(limit.reserve(600), 605)
    clock.now_ns = SECOND_NS
    with pytest.raises(BedrockError):
        limit.reserve(6)
    limit.reserve(5)


def test_a_fixed_minute_starts_afresh_whatever_was_used():
    """The next minute has all of its tokens; what a call of the last one gives back does not count in it."""
    clock = Clock()
    clock.now_ns = MINUTE_NS - 1
    limit = quota(clock, tokens=600, window="minute")
    held = limit.reserve(600)
    clock.now_ns = MINUTE_NS
    limit.reserve(400)
    limit.settle(held, 0)
    with pytest.raises(BedrockError):
        limit.reserve(201)
    limit.reserve(200)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_requests_are_a_limit_of_their_own(window):
    """Requests per minute refuse with their own words; settlement gives no request back."""
    limit = quota(Clock(), requests=2, window=window)
    for _ in range(2):
        limit.settle(limit.reserve(10), 10)
    with pytest.raises(BedrockError, match="Too many requests, please wait before trying again"):
        limit.reserve(10)


def test_a_call_refused_for_its_tokens_costs_no_request():
    """Either both limits are taken from, or neither is."""
    limit = quota(Clock(), tokens=100, requests=1)
    with pytest.raises(BedrockError, match="Too many tokens"):
        limit.reserve(101)
    limit.reserve(100)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_a_day_s_tokens_are_a_limit_of_their_own(window):
    """A new minute does not help who has used up the day; a call refused for the day costs no minute."""
    clock = Clock()
    limit = quota(clock, tokens=1_000, requests=3, day=1_500, window=window)
    limit.settle(limit.reserve(1_000), 900)
    clock.now_ns = 2 * MINUTE_NS
    with pytest.raises(BedrockError, match="Too many tokens per day, please wait before trying again"):
        limit.reserve(700)
    fill = limit.fill()
    assert (fill["tokens_per_minute"]["left"], fill["requests_per_minute"]["left"]) == (1_000, 3)
    assert fill["tokens_per_day"] == {"limit": 1_500, "left": 602 if window == "bucket" else 600}
    limit.reserve(600)


def test_the_next_day_has_its_tokens_again():
    """1,440 minutes after the first."""
    clock = Clock()
    limit = quota(clock, day=1_000, window="minute")
    limit.reserve(1_000)
    clock.now_ns = 1_440 * MINUTE_NS
    limit.reserve(1_000)


def test_new_limits_hold_at_once():
    """Nothing of them is used; a call under way gives back no more than there is room for."""
    limit = quota(Clock(), tokens=100)
    held = limit.reserve(100)
    limit.put(Limits(tokens_per_minute=50))
    limit.settle(held, 10)
    assert limit.fill() == {"tokens_per_minute": {"limit": 50, "left": 50}}


def test_no_limit_is_none():
    """None means unlimited."""
    limit = quota(Clock())
    for _ in range(100):
        limit.settle(limit.reserve(10**9), 10**9)


@given(st.lists(st.tuples(st.integers(0, 90 * SECOND_NS), st.integers(0, 700), st.integers(0, 700)), max_size=60))
def test_a_bucket_never_grants_more_than_it_held_and_refilled(calls):
    """Over any span, charges stay within a full bucket plus the refill, for calls that use what they held at most."""
    clock = Clock()
    limit = quota(clock, tokens=600)
    granted = []
    for wait_ns, held, used in calls:
        clock.now_ns += wait_ns
        try:
            reservation = limit.reserve(held)
        except BedrockError:
            continue
        limit.settle(reservation, min(held, used))
        granted.append((clock.now_ns, min(held, used)))
    for index, (start_ns, _) in enumerate(granted):
        for end in range(index, len(granted)):
            charged = sum(used for _, used in granted[index : end + 1])
            assert charged * MINUTE_NS <= 600 * (MINUTE_NS + granted[end][0] - start_ns)


@given(st.lists(st.tuples(st.integers(0, 90 * SECOND_NS), st.integers(0, 700), st.integers(0, 700)), max_size=60))
def test_a_fixed_minute_refuses_exactly_what_exceeds_it(calls):
    """Each call is granted if and only if its minute still holds its reservation."""
    clock = Clock()
    limit = quota(clock, tokens=600, window="minute")
    used_in: dict[int, int] = {}
    for wait_ns, held, used in calls:
        clock.now_ns += wait_ns
        minute = clock.now_ns // MINUTE_NS
        is_expected = used_in.get(minute, 0) + held <= 600
        try:
            limit.settle(limit.reserve(held), used)
        except BedrockError:
            assert not is_expected
        else:
            assert is_expected
            used_in[minute] = used_in.get(minute, 0) + used
