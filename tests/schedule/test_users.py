"""The number of users follows its line; each stay has one beginning and one end; shards partition the users."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.errors import FmloadError
from loadtester.schedule import users

PROPERTY = settings(deadline=None, derandomize=True, max_examples=100)
STAGES = st.lists(st.tuples(st.integers(1, 40).map(lambda tenths: tenths / 10), st.integers(0, 12)), max_size=6)


def there(plan, time_s):
    """How many users are there at a moment."""
    time_ns = time_s * 1e9
    return int(((plan.start_ns <= time_ns) & (time_ns < plan.end_ns)).sum())


def test_users_without_stages_stay_all_the_time():
    """All are there from the first moment to the last."""
    plan = users(5, 60.0, [])
    assert plan.start_ns.tolist() == [0] * 5
    assert plan.end_ns.tolist() == [60_000_000_000] * 5
    assert (plan.number.tolist(), plan.duration_s, plan.peak, len(plan)) == ([0, 1, 2, 3, 4], 60.0, 5, 5)


@PROPERTY
@given(st.integers(0, 12), STAGES.filter(bool))
def test_their_number_is_the_line_rounded(start, stages):
    """At any moment that is not a tie, as many are there as the line between the stages says, rounded."""
    plan = users(start, 1.0, stages)
    knots = [(0.0, start)]
    for length_s, count in stages:
        knots.append((knots[-1][0] + length_s, count))
    time_s = np.linspace(0.0, knots[-1][0], 57)[:-1]
    line = np.interp(time_s, [at for at, _ in knots], [count for _, count in knots])
    for at, level in zip(time_s.tolist(), line.tolist(), strict=True):
        if abs(level % 1 - 0.5) > 1e-6:
            assert there(plan, at) == round(level)
    assert plan.peak == max(count for _, count in knots)
    assert plan.duration_s == pytest.approx(knots[-1][0])


@PROPERTY
@given(st.integers(0, 12), STAGES)
def test_stays_are_whole_and_in_order(start, stages):
    """Everybody leaves after they came, within the run, and numbers follow the order of coming."""
    plan = users(start, 3.0, stages)
    assert plan.number.tolist() == list(range(len(plan)))
    assert all(before <= after for before, after in pairwise(plan.start_ns.tolist()))
    assert (plan.start_ns < plan.end_ns).all()
    assert (plan.start_ns >= 0).all()
    assert (plan.end_ns <= round(plan.duration_s * 1e9)).all()


def test_who_comes_back_is_a_new_user():
    """From 2 to 4, to 2 and to 4 again: the first two stay, and each wave brings two others, last in, first out."""
    plan = users(2, 1.0, [(2.0, 4), (2.0, 2), (2.0, 4)])
    stays_s = list(zip((plan.start_ns / 1e9).tolist(), (plan.end_ns / 1e9).tolist(), strict=True))
    assert stays_s == [(0, 6), (0, 6), (0.5, 3.5), (1.5, 2.5), (4.5, 6), (5.5, 6)]


@PROPERTY
@given(st.integers(0, 12), STAGES, st.integers(1, 5))
def test_shards_are_the_plan(start, stages, count):
    """Every user is in one shard, with the same stay."""
    plan = users(start, 3.0, stages)
    shards = [plan.shard(index, count) for index in range(count)]
    rows = [row for one in shards for row in zip(one.number, one.start_ns, one.end_ns, strict=True)]
    assert sorted(rows) == list(zip(plan.number, plan.start_ns, plan.end_ns, strict=True))
    assert {(one.peak, one.duration_s) for one in shards} == {(plan.peak, plan.duration_s)}


@pytest.mark.parametrize(
    ("start", "duration_s", "stages"),
    [(-1, 1.0, []), (1, 0.0, []), (1, 1.0, [(0.0, 3)]), (1, 1.0, [(-1.0, 3)]), (1, 1.0, [(1.0, -3)])],
)
def test_impossible_plans_are_refused(start, duration_s, stages):
    """Numbers below none and stages that take no time are a user's fault, with a remedy."""
    with pytest.raises(FmloadError) as caught:
        users(start, duration_s, stages)
    assert caught.value.remedy
