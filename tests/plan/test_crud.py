"""Plain requests in a plan: counted as requests, and nothing else."""

import json

import pytest

from loadtester.fleet import plan_of
from loadtester.plan import page, plan_json, predict

MIX = """
target: {protocol: rest}
mix:
  browse: {share: 0.5, kind: crud, prompts: ["GET /v1/products"]}
  greeting: 0.5
"""


@pytest.fixture
def mixed(scenario_of, prices):
    scenario = scenario_of(MIX, load__rate="20/s", load__duration="30s", bundled__tokens_per_minute=50_000)
    return predict(scenario, plan_of(scenario), prices)


def test_they_are_requests_without_tokens_money_or_quota(mixed):
    """All are counted; tokens, money, throttling and headroom are those of the models alone."""
    plain = mixed.by_query["browse"]
    assert mixed.total.requests == 600
    assert plain.requests > 200
    assert plain.input_tokens.mean == plain.output_tokens.mean == plain.usd.mean == plain.throttle_rate.mean == 0
    assert mixed.by_query["greeting"].throttle_rate.mean > 0.1
    assert mixed.total.usd.mean == mixed.by_query["greeting"].usd.mean > 0
    assert "" not in {**mixed.by_model, **mixed.throttling["bucket"].headroom, **mixed.minutes[0].reserved}


def test_they_meet_the_sla_and_have_no_part_in_the_models_latency(mixed):
    """Answered at once, says a note: half of the requests is in time, and the median is a model's."""
    assert 0.5 < mixed.sla < 1
    assert mixed.latency_s["p50"] > 0.3
    assert mixed.cut_rate == 0
    assert any("plain requests" in note for note in mixed.notes)
    assert not any("browse" in note for note in mixed.notes)


def test_page_and_json_show_them(mixed):
    """A row of their own, without tokens."""
    row = next(line for line in page(mixed).splitlines() if line.startswith("browse"))
    assert row.split()[2:] == ["0.0%", "0", "0", "0.0000"]
    assert json.loads(plan_json(mixed))["by_query"]["browse"]["requests"] > 200


def test_a_mix_of_plain_requests_alone_can_be_planned(scenario_of, prices):
    """It costs nothing and is throttled by nothing."""
    scenario = scenario_of(
        "target: {protocol: rest}\nmix: {browse: {share: 1, kind: crud, prompts: ['GET /v1/products']}}"
    )
    plan = predict(scenario, plan_of(scenario), prices)
    assert (plan.total.usd.mean, plan.total.throttle_rate.mean, plan.sla) == (0, 0, 1)
    assert dict(plan.by_model) == {}
    assert page(plan)
