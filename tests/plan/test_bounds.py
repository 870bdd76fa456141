"""A run's bounds in its prediction."""

import pytest

from loadtester.fleet import plan_of
from loadtester.plan import forecast, page

USERS = {"load__users": 20, "load__duration": "60s", "load__think_time": "2s"}


@pytest.mark.parametrize("load", [{"load__rate": "5/s", "load__duration": "60s"}, USERS])
def test_max_requests_cuts_the_plan(planned, load):
    """The first N requests of the plan, with a note; tokens and money shrink with them, and the rest is as it was."""
    whole, cut = planned(**load), planned(**load, safety__max_requests=60)
    assert whole.total.requests > 150
    assert cut.total.requests == 60
    assert sum(one.requests for one in cut.minutes) == 60
    assert 0 < cut.total.usd_if_all_admitted < whole.total.usd_if_all_admitted
    assert any("--max-requests 60 ends the run" in note for note in cut.notes)
    filled = [one.requests for one in cut.timeline if one.requests]
    assert filled[:-1] == [one.requests for one in whole.timeline[: len(filled) - 1]]


def test_a_cut_plan_may_be_thinned(scenario_of, prices):
    """What is simulated in parts is cut before it is parted."""
    scenario = scenario_of(
        load__rate="500/s", load__duration="60s", safety__max_requests=26_000, bundled__tokens_per_minute=0
    )
    found = forecast(scenario, plan_of(scenario), prices)
    shorter = scenario_of(load__rate="500/s", load__duration="52s", bundled__tokens_per_minute=0)
    alike = forecast(shorter, plan_of(shorter), prices)
    assert found["rows"] == alike["rows"] < 10_000
    assert found["cost_usd"]["mean"] == pytest.approx(alike["cost_usd"]["mean"], rel=0.02)


def test_a_bound_that_is_not_reached_is_not_noted(planned):
    """As many requests as are allowed are all of them."""
    plan = planned(load__rate="1/s", load__duration="30s", safety__max_requests=30)
    assert plan.total.requests == 30
    assert not any("--max-requests" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"safety__max_cost": "0.5"}, "without --max-cost $0.5"),
        ({"load__on_throttle": "backoff"}, "without --on-throttle backoff"),
        ({**USERS, "safety__max_rate": "3/s"}, "without --max-rate 3/s"),
    ],
)
def test_what_is_not_in_it_is_said(planned, flags, said):
    """On the page, and only where the bound is set."""
    short = {"load__duration": "10s"}
    assert said in " ".join(page(planned(**{**flags, **short})).split())
    without = {key: value for key, value in flags.items() if key in USERS}
    assert "the prediction is without" not in " ".join(page(planned(**{**without, **short})).split())
