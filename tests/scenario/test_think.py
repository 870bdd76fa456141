"""Think time is a duration, perhaps with a distribution."""

import pytest

from loadtester.scenario.scenario import ThinkTime
from loadtester.scenario.think import think_time
from loadtester.scenario.units import UnfitError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", ThinkTime("lognormal", 10.0)),
        ("0", ThinkTime("lognormal", 0.0)),
        ("2.5", ThinkTime("lognormal", 2.5)),
        ("lognormal:1m", ThinkTime("lognormal", 60.0)),
        (" Exponential:500ms ", ThinkTime("exponential", 0.5)),
        ("constant:3s", ThinkTime("constant", 3.0)),
    ],
)
def test_what_is_read(text, expected):
    """A bare duration is the median of a lognormal."""
    assert think_time(text) == expected


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("gamma:3s", "'gamma' is not a distribution", "write one of lognormal, exponential, constant"),
        ("expoential:3s", "'expoential' is not a distribution", "did you mean exponential?"),
        ("constant:", "is empty", "write a duration"),
        ("constant:soon", "'soon' is not a duration", "write 90s"),
        ("-3s", "'-3s' is negative", "write a duration"),
        ("25h", "'25h' is more than a day", "give 24h or less"),
    ],
)
def test_what_is_refused(text, what, fix):
    """What can't be read is told with the way to write it."""
    with pytest.raises(UnfitError) as caught:
        think_time(text)
    assert caught.value.what == what
    assert caught.value.fix.startswith(fix)
