"""The small prediction that every run's manifest keeps."""

import json

import pytest

from loadtester.fleet import plan_of
from loadtester.plan import forecast, predict

USERS = {"load__users": 50, "load__duration": "2m", "load__think_time": "5s"}


@pytest.fixture
def forecast_of(scenario_of, prices):
    def make(text="target: {protocol: rest}", **flags):
        scenario = scenario_of(text, **flags)
        return forecast(scenario, plan_of(scenario), prices)

    return make


def test_it_says_what_the_plan_says(scenario_of, prices):
    """Fewer simulated runs, the same figures within what chance makes of them; as plain JSON."""
    scenario = scenario_of("target: {protocol: rest}", load__rate="40/s", load__duration="30s")
    load = plan_of(scenario)
    small, whole = forecast(scenario, load, prices), predict(scenario, load, prices)
    assert small["throttle_rate"]["mean"] == pytest.approx(whole.total.throttle_rate.mean, abs=0.01)
    assert small["cost_usd"]["mean"] == pytest.approx(float(whole.total.usd.mean), rel=0.02)
    assert small["sla"] == pytest.approx(whole.sla, abs=0.01)
    assert json.loads(json.dumps(small)) == small


@pytest.mark.parametrize("flags", [{"load__rate": "2000/s", "bundled__tokens_per_minute": 0}, USERS])
def test_its_work_is_bounded(forecast_of, flags):
    """However many requests a plan has, some 12,000 are simulated in a run, and as few runs as say anything."""
    assert forecast_of(**flags)["rows"] <= 13_000


def test_what_would_be_coarse_is_not_said(forecast_of):
    """Where one simulated request stands for so many that a quota comes in lumps there is no prediction."""
    assert forecast_of(load__rate="2000/s") is None


def test_without_a_price_nothing_is_predicted(forecast_of):
    """A run at an unpriced model begins all the same."""
    assert forecast_of(model="mine") is None
