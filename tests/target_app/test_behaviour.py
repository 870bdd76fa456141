"""target_app.behaviour: latency is seeded, shaped as its sources say, and kept to by the clock."""

from __future__ import annotations

import asyncio
import random
import statistics
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.behaviour import Pace, first_token_s, piece_s, seeded, timetable_ns, until_ns

PACE = Pace(base_s=0.70, input_token_s=0.00012, token_s=1 / 60)


def test_same_seed_and_parts_give_the_same_numbers():
    """Random numbers belong to the seed and the parts, not to what was drawn before."""
    random.random()
    assert seeded(1, "a", "b").random() == seeded(1, "a", "b").random()


@pytest.mark.parametrize("other", [(2, "a", "b"), (1, "ab", ""), (1, "a", "b", ""), (1, "b", "a")])
def test_other_seed_or_parts_give_other_numbers(other):
    """Neither another seed nor the same characters divided otherwise share a stream."""
    assert seeded(1, "a", "b").random() != seeded(*other).random()


def test_first_token_has_the_stated_median_and_tail():
    """At 500 tokens of prompt the median is .76 s, and p95 and p99 lie where the fitted distribution has them."""
    draws = [first_token_s(PACE, 500, 1, seeded(7, str(n))) for n in range(5_000)]
    cuts = statistics.quantiles(draws, n=100)
    assert cuts[49] == pytest.approx(0.76, rel=0.02)
    assert cuts[94] / cuts[49] == pytest.approx(0.518 / 0.393, rel=0.03)
    assert cuts[98] / cuts[49] == pytest.approx(0.594 / 0.393, rel=0.05)


def test_contention_and_prompt_length_delay_the_first_token_and_leave_its_noise_alone():
    """The same draw is scaled by (alpha + beta x tokens) and by 1 + kappa x (concurrent - 1)."""
    alone = first_token_s(PACE, 500, 1, seeded(1, "x"))
    assert first_token_s(PACE, 500, 11, seeded(1, "x")) == pytest.approx(alone * 1.04)
    assert first_token_s(PACE, 6_833, 1, seeded(1, "x")) == pytest.approx(alone * 2, rel=1e-3)


def test_tokens_come_at_the_stated_pace_with_few_stalls():
    """The median token takes 1/60 s; about one token in 10,000 stalls for long."""
    rng = seeded(3, "tokens")
    draws = [piece_s(PACE, 1, rng) for _ in range(60_000)]
    assert statistics.median(draws) == pytest.approx(1 / 60, rel=0.01)
    stalls = [draw for draw in draws if draw > 5 / 60]
    assert 1 <= len(stalls) <= 15


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=60),
    st.integers(0, 5_000),
    st.integers(1, 64),
    st.floats(0.001, 10),
)
def test_a_timetable_never_goes_back_and_scales_with_time(pieces, input_tokens, concurrent, scale):
    """Pieces are due in order, and the time scale multiplies every due time."""
    plain = timetable_ns(PACE, pieces, input_tokens, concurrent, seeded(1, "t"), 1.0)
    scaled = timetable_ns(PACE, pieces, input_tokens, concurrent, seeded(1, "t"), scale)
    assert plain == sorted(plain)
    assert plain[0] == round(first_token_s(PACE, input_tokens, concurrent, seeded(1, "t")) * 1e9)
    assert scaled == [pytest.approx(due_ns * scale, abs=scale + 1) for due_ns in plain]


def test_at_time_scale_zero_everything_is_due_at_once():
    """A time scale of 0 waits for nothing."""
    assert timetable_ns(PACE, [1, 4, 4], 500, 1, seeded(1), 0) == [0, 0, 0]


def test_waiting_ends_no_earlier_than_due():
    """A wait aims at a moment of the monotonic clock and never returns before it."""
    due_ns = time.monotonic_ns() + 5_000_000
    asyncio.run(until_ns(due_ns))
    assert time.monotonic_ns() >= due_ns


def test_a_moment_that_is_past_is_not_waited_for():
    """What is overdue is done at once, without giving up the loop: lateness does not add up."""

    async def overdue() -> list[str]:
        order: list[str] = []
        asyncio.get_running_loop().call_soon(order.append, "loop")
        await until_ns(time.monotonic_ns() - 1)
        return [*order, "done"]

    assert asyncio.run(overdue()) == ["done"]
