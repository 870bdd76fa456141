"""Stages of users: what is read, and how they are stretched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.scenario.scenario import UserStage
from loadtester.scenario.stages import seconds, stretched, user_stage
from loadtester.scenario.units import UnfitError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2m:20", UserStage(120, 20)), (" 500ms:0 ", UserStage(0.5, 0)), ("1h:1_000", UserStage(3600, 1000))],
)
def test_a_stage_is_a_duration_and_a_number(text, expected):
    """DURATION:USERS."""
    assert user_stage(text) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2m", "'2m' is not a stage of users"),
        ("2m:20/s", "'2m:20/s' has a rate, not a number of users"),
        ("2m:2.5", "'2.5' is not a whole number"),
        ("0s:20", "'0s:20' takes no time"),
        ("2m:100_001", "'2m:100_001' has too many users"),
    ],
)
def test_what_is_refused(text, what):
    """A rate is not taken for a number of users, nor half a user for one."""
    with pytest.raises(UnfitError) as caught:
        user_stage(text)
    assert caught.value.what == what


@given(
    st.lists(st.builds(UserStage, st.floats(0.01, 1e4), st.integers(0, 99)), min_size=1).map(tuple),
    st.floats(0.1, 1e5),
)
def test_stretched_stages_keep_their_proportions(stages, duration_s):
    """Together they take the duration; their numbers and their parts of the whole stay."""
    longer = stretched(stages, duration_s)
    assert seconds(longer) == pytest.approx(duration_s)
    assert [one.users for one in longer] == [one.users for one in stages]
    parts = [one.duration_s / seconds(stages) for one in stages]
    assert [one.duration_s / duration_s for one in longer] == pytest.approx(parts)
