"""Both ways to count a minute, held against arithmetic done by hand and against the emulator's own limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.plan.quota import Bucket, Minute, limit
from target_app.bedrock import quota as emulator

MINUTE_NS = 60_000_000_000


def test_a_bucket_begins_full_and_refills_evenly():
    """600 a minute: 600 at once, nothing more then, and 10 after each second."""
    bucket = Bucket(600)
    assert bucket.take(600, 0.0)
    assert not bucket.take(1, 0.0)
    assert bucket.take(10, 1.0)
    assert not bucket.take(10, 1.5)
    assert bucket.least_free == 0


def test_a_bucket_never_holds_more_than_a_minute():
    """What is given back to a full bucket is lost, and so is an idle hour."""
    bucket = Bucket(600)
    bucket.give_back(600, 0.0, 1.0)
    assert not bucket.take(601, 3600.0)
    assert bucket.take(600, 3600.0)


def test_a_bucket_can_be_overdrawn_by_what_was_used_beyond():
    """A weighty answer that used more than it held leaves the bucket below empty until it has refilled."""
    bucket = Bucket(600)
    assert bucket.take(600, 0.0)
    bucket.give_back(-100, 0.0, 0.0)
    assert not bucket.take(1, 10.0)
    assert bucket.take(1, 10.2)


def test_a_minute_turns_where_its_phase_says():
    """A run that begins 50 s into the clock's minute has a fresh one after 10 s."""
    minute = Minute(100, phase_s=50.0)
    assert minute.take(100, 0.0)
    assert not minute.take(1, 9.9)
    assert minute.take(100, 10.0)


def test_a_minute_forgets_what_comes_back_late():
    """What is given back after its minute's end is lost; within the minute it is there again."""
    minute = Minute(100, phase_s=0.0)
    assert minute.take(100, 1.0)
    minute.give_back(40, 1.0, 2.0)
    assert minute.take(40, 3.0)
    assert minute.take(100, 61.0)
    minute.give_back(40, 3.0, 62.0)
    assert not minute.take(1, 63.0)


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_no_amount_is_no_limit(window):
    """A quota that was not stated refuses nothing."""
    assert limit(window, None, 0.0) is None


MOVES = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(1, 700), st.integers(-300, 700)), min_size=1, max_size=40
)


@pytest.mark.parametrize("window", ["bucket", "minute"])
@given(moves=MOVES)
def test_the_emulators_limits_decide_alike(window, moves):
    """Whatever is taken and given back when, in whole milliseconds: each decision is the emulator's own."""
    mine = limit(window, 600, 0.0)
    other = emulator.Bucket(600, MINUTE_NS) if window == "bucket" else emulator.Fixed(600, MINUTE_NS)
    now_ms = 0
    for gap_ms, amount, unused in moves:
        now_ms += gap_ms
        # A hair less, so that a level that is equal but for rounding lets both through.
        is_mine = mine.take(amount - 1e-6, now_ms / 1000)
        assert is_mine == other.take(amount, now_ms * 1_000_000)
        if is_mine:
            mine.give_back(unused, now_ms / 1000, (now_ms + 5) / 1000)
            other.correct(unused, now_ms * 1_000_000, (now_ms + 5) * 1_000_000)
            now_ms += 5
