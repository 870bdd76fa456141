"""Users who are held back ask one after the other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtester.engine.pace import Pace


@given(
    rate=st.floats(0.1, 1000),
    gaps_ns=st.lists(st.integers(0, 3_000_000_000), min_size=2, max_size=50),
)
def test_no_two_slots_are_closer_than_the_rate_allows(rate, gaps_ns):
    """Whenever they ask for one: slots are a gap apart or more, and nobody's is in the past."""
    pace, now_ns, slots = Pace(rate), 0, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        slots.append(pace.slot_ns(now_ns))
        assert slots[-1] >= now_ns
    assert all(after - before >= round(1e9 / rate) for before, after in pairwise(slots))


def test_who_finds_nobody_before_them_does_not_wait():
    """A free slot is now."""
    pace = Pace(2.0)
    assert [pace.slot_ns(now_ns) for now_ns in (0, 0, 5_000_000_000)] == [0, 500_000_000, 5_000_000_000]
