"""Retry-After: seconds or a date, and nothing else (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.drivers.wire.retry_after import retry_after_s

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
DATE = b"Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (b"7", None, 7),
        (b"0", None, 0),
        (b"86400", None, 86_400),
        (b"86401", None, None),
        (b"9" * 5_000, None, None),
        (b"Wed, 21 Oct 2026 07:28:30 GMT", None, 30),
        # The target's clock is a minute ahead of ours: it asks for 30 s, not for 90.
        (b"Wed, 21 Oct 2026 07:29:30 GMT", b"Wed, 21 Oct 2026 07:29:00 GMT", 30),
        (b"Wed, 21 Oct 2026 07:28:30 GMT", b"no date", 30),
        (b"Wednesday, 21-Oct-26 07:28:30 GMT", DATE, 30),
        (b"Wed Oct 21 07:28:30 2026", DATE, 30),
        (b"Wed, 21 Oct 2026 07:27:00 GMT", DATE, 0),
        (b"Wed, 21 Oct 2027 07:28:00 GMT", DATE, None),
        (b"", None, None),
        (b"-3", None, None),
        (b"1.5", None, None),
        (b"soon", None, None),
        (b"Wed, 99 Oct 2026 07:28:30 GMT", None, None),
        (b"\xff", None, None),
    ],
)
def test_what_it_asks_for(value, date, seconds):
    """Seconds as they are; of a date those from the answer's own one, or from now; past dates no wait, others None."""
    assert retry_after_s(value, date, NOW) == seconds


@given(st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_nothing_that_is_sent_breaks_it(value, date):
    """Whatever the header holds, it is a wait of up to a day, or none."""
    seconds = retry_after_s(value, date, NOW)
    assert seconds is None or 0 <= seconds <= 86_400
