"""Progress says how far a run is, and how many requests are planned where that is known."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

from loadtester.live import Lines, Screen
from loadtester.model import Outcome, Tick

TICK = Tick(
    elapsed_s=10.0, planned=7, sent=7, in_flight=1, outcomes={Outcome.OK: 6}, sent_per_s=1.0, finished_per_s=1.0,
    p50_s=0.5, p95_s=None, usd=Decimal("0.01"),
)  # fmt: skip


@pytest.mark.parametrize(("planned", "shown"), [(1000, "sent 7 of 1,000  "), (None, "sent 7  ")])
@pytest.mark.parametrize("watch", [Lines, Screen])
def test_what_is_not_planned_is_not_said(watch, planned, shown):
    """Users send as many requests as they come to: then there is no number to be at a part of."""
    console = Console(file=io.StringIO(), force_terminal=watch is Screen, width=200)
    with watch(console, planned, 60.0) as observer:
        observer.observe(TICK)
    assert shown in console.file.getvalue()
