"""A killed run's budget: what is on record as spent of its cap."""

from decimal import Decimal

import pytest

from loadtester.analysis import summarise
from loadtester.analysis.spent_so_far import spent_so_far
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, recording

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
KEY = CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK)
RUN = recording(
    [Interval(0, planned=2, sent=2, cells={KEY: Cell(count=2, sent=2, in_slo=2, input=10**6, output=10**6)})]
)


def budget(cap, **manifest):
    whole = {
        "id": "r",
        "status": "running",
        "plan": {"requests": 5, "duration_s": 9.0},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1000},
            "mix": [{"name": "lookup", "share": 1.0}],
            "safety": {"max_cost_usd": cap},
        },
        **manifest,
    }
    return spent_so_far(summarise(whole, RUN, price_table({})))


@pytest.mark.parametrize(("cap", "over"), [("2", "0"), ("1.25", "0.25")])
def test_what_a_killed_run_had_spent(cap, over):
    """The seconds on record at their prices, against the cap that the scenario states."""
    found = budget(cap)
    assert (found["cap_usd"], found["is_open"]) == (cap, True)
    assert (Decimal(found["spent_usd"]), Decimal(found["over_usd"])) == (Decimal("1.5"), Decimal(over))


def test_books_that_were_closed_stay():
    """A run that ended has its own books, and one without a cap has none."""
    assert budget("2", status="complete") is None
    assert budget("2", budget={"cap_usd": "2"}) is None
    assert budget(None) is None
