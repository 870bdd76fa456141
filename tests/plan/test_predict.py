"""Predictions of whole scenarios."""

import json
from decimal import Decimal

import pytest

from loadtester.errors import FmloadError
from loadtester.fleet import plan_of
from loadtester.plan import page, plan_json, predict

NO_QUOTA = {"bundled__tokens_per_minute": 0}


def test_without_a_quota_nothing_is_refused_and_the_bill_is_tokens_times_price(planned):
    """300 requests; the cost is that of each model's tokens."""
    plan = planned(load__rate="5/s", load__duration="60s", **NO_QUOTA)
    assert plan.total.requests == 300
    assert plan.total.throttle_rate.mean == 0
    assert plan.throttling["bucket"].first_s is None
    assert set(plan.throttling["bucket"].headroom.values()) == {None}
    haiku, sonnet = plan.by_model.values()
    expected = (
        haiku.input_tokens.mean * 0.25
        + haiku.output_tokens.mean * 1.25
        + sonnet.input_tokens.mean * 3
        + sonnet.output_tokens.mean * 15
    ) / 1e6
    assert float(plan.total.usd.mean) == pytest.approx(expected, rel=1e-5)
    assert plan.total.usd.low < plan.total.usd.mean < plan.total.usd.high
    assert plan.total.usd.mean == plan.total.usd_if_all_admitted


def test_parts_add_up(planned):
    """Query types, models, minutes and the chart's columns each make up the whole."""
    plan = planned(load__pattern="spike", load__rate="5/s", load__duration="90s")
    for parts in (plan.by_query.values(), plan.by_model.values()):
        assert sum(part.requests for part in parts) == pytest.approx(plan.total.requests)
        assert float(sum(part.usd.mean for part in parts)) == pytest.approx(float(plan.total.usd.mean), rel=1e-4)
    for slices in (plan.minutes, plan.timeline):
        assert sum(one.requests for one in slices) == pytest.approx(plan.total.requests)
        assert sum(one.width_s for one in slices) == pytest.approx(90)
        throttled = plan.total.throttle_rate.mean * plan.total.requests
        assert sum(one.throttled for one in slices) == pytest.approx(throttled)
    assert [one.start_s for one in plan.minutes] == [0, 60]


def test_the_same_seed_predicts_the_same(planned):
    """A prediction is a function of its scenario."""
    again = [planned(load__pattern="production", load__seed=7, load__requests=200) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != planned(load__pattern="production", load__seed=8, load__requests=200)


def test_a_spike_is_throttled_in_its_middle(planned):
    """Both windows say so: nothing before the spike, and the first refusal inside it."""
    plan = planned(load__pattern="spike", load__rate="3/s", load__duration="100s")
    for throttling in plan.throttling.values():
        assert throttling.by_phase["before"] == 0
        assert throttling.by_phase["spike"] > 0.1
        assert 40 <= throttling.first_s < 60


def test_a_quota_below_one_request_refuses_all(planned):
    """Everything is throttled, nothing is paid, and a note says why."""
    plan = planned(bundled__tokens_per_minute=1000)
    assert plan.total.throttle_rate.low == 1
    assert plan.total.usd.mean == 0
    assert plan.sla == 0
    assert any("nothing is admitted" in note for note in plan.notes)
    assert "nothing is" in page(plan)


def test_history_makes_conversations_dearer(planned):
    """The same questions cost more input where follow-ups carry what was said."""
    flags = {"load__requests": 2000, "load__duration": "1h", **NO_QUOTA}
    talks = planned(load__pattern="production", **flags)
    alone = planned(load__pattern="sustained", **flags)
    assert talks.total.input_tokens.mean > 1.2 * alone.total.input_tokens.mean


def test_a_large_plan_is_thinned_and_still_right(planned, scenario_of, prices):
    """A million requests are predicted from a part of them: a hundred times the bill of a hundredth."""
    scenario = scenario_of(load__requests=1_000_000, load__duration="24h", **NO_QUOTA)
    large = predict(scenario, plan_of(scenario), prices, most_rows=40_000)
    small = planned(load__requests=10_000, load__duration="1h", **NO_QUOTA)
    assert large.total.requests == pytest.approx(1_000_000)
    assert large.rows == 10_000
    assert large.runs == 4
    assert float(large.total.usd.mean / small.total.usd.mean) == pytest.approx(100, rel=0.03)
    assert any("was simulated" in note and "coarse" not in note for note in large.notes)


@pytest.mark.parametrize(
    ("pattern", "duration", "quota"),
    [("sustained", "12m", 0), ("spike", "20m", 800_000), ("sustained", "20m", 250_000), ("production", "20m", 800_000)],
    ids=["free", "spike", "throttled", "conversations"],
)
def test_thinned_is_as_whole(scenario_of, prices, pattern, duration, quota):
    """An eighth in each of four runs predicts the whole's bill within 1.5 % and its throttling within 1 point."""
    flags = {"load__pattern": pattern, "load__requests": 16_000, "load__duration": duration}
    scenario = scenario_of(**flags, bundled__tokens_per_minute=quota)
    load = plan_of(scenario)
    whole = predict(scenario, load, prices, most_rows=1)
    thinned = predict(scenario, load, prices, most_rows=1, parts=8)
    assert (whole.runs, thinned.runs) == (2, 4)
    for one, other in (
        (whole.total, thinned.total),
        *zip(whole.by_query.values(), thinned.by_query.values(), strict=True),
    ):
        assert other.requests == pytest.approx(one.requests)
    assert float(thinned.total.usd.mean / whole.total.usd.mean) == pytest.approx(1, abs=0.015)
    assert float(thinned.total.usd_if_all_admitted / whole.total.usd_if_all_admitted) == pytest.approx(1, abs=0.015)
    assert thinned.total.usd.low <= whole.total.usd.mean <= thinned.total.usd.high
    assert thinned.total.throttle_rate.mean == pytest.approx(whole.total.throttle_rate.mean, abs=0.01)


def test_thinning_keeps_the_throttle(planned):
    """Ten times the traffic against ten times the quota is refused as often, though the larger one is thinned."""
    flags = {"target__url": "bedrock:us-east-1", "load__duration": "10m"}
    large = planned("quota: {tokens_per_minute: 2000000}", load__requests=300_000, **flags)
    small = planned("quota: {tokens_per_minute: 200000}", load__requests=30_000, **flags)
    assert large.rows < 300_000
    assert small.rows == 30_000
    assert small.total.throttle_rate.mean > 0.1
    assert large.total.throttle_rate.mean == pytest.approx(small.total.throttle_rate.mean, abs=0.02)


def test_thinning_says_where_it_is_too_coarse(planned):
    """Where one simulated row takes a good part of the quota, a note says that throttling is overstated."""
    large = planned(load__requests=500_000, load__duration="300h", bundled__tokens_per_minute=100_000)
    assert any("coarse" in note for note in large.notes)


def test_users_are_planned_by_their_usual_pace(planned):
    """Two users who think 10 s and read answers of some seconds ask about twenty questions in two minutes."""
    plan = planned(load__users=2, load__duration="2m", load__think_time="constant:10s")
    assert 15 <= plan.total.requests <= 24
    assert any("usual time" in note for note in plan.notes)


def test_users_who_never_pause_are_an_error(planned):
    """No think time and no waiting would be requests without end."""
    with pytest.raises(FmloadError, match="without end"):
        planned(load__users=1, load__duration="10s", load__think_time="constant:0s", bundled__time_scale=0)


def test_an_unpriced_model_is_an_error_that_names_near_ones(planned):
    """No silent default: 104, with what it may have meant."""
    with pytest.raises(FmloadError, match=r"no price.*'anthropic.claude-3-hiku'") as caught:
        planned(model="anthropic.claude-3-hiku")
    assert "claude-3-haiku" in caught.value.remedy
    assert "prices:" in caught.value.remedy
    assert caught.value.code == 104


def test_a_remote_target_says_what_is_not_known(planned):
    """Quota, prompts and speed of a strange service: each is named, with how to state it; SLA is unknown."""
    plan = planned(target__url="https://chat.example.com")
    assert plan.sla is None
    assert plan.latency_s is None
    words = " ".join(plan.notes)
    assert "FMLOAD_QUOTA_TOKENS_PER_MINUTE" in words
    assert "FMLOAD_QUOTA_PROMPT_TOKENS" in words
    assert "none is known" in page(plan)
    assert "SLA        unknown" in page(plan)


def test_a_remote_targets_stated_quota_is_reckoned_with(planned):
    """The scenario's quota section, with the window that it names as the headline."""
    text = "quota: {tokens_per_minute: 50000, window: minute, prompt_tokens: 250}"
    plan = planned(text, target__url="https://chat.example.com", load__rate="20/s")
    assert plan.total.throttle_rate == plan.throttling["minute"].rate
    assert plan.total.throttle_rate != plan.throttling["bucket"].rate
    assert plan.total.throttle_rate.mean > 0.3
    assert not any("FMLOAD_QUOTA" in note for note in plan.notes)


def test_bedrock_itself_has_known_speeds(planned):
    """Claude 3 on Bedrock has published speeds: the SLA is predicted."""
    assert planned(target__url="bedrock:us-east-1").sla > 0.5


def test_a_truncated_answer_is_not_in_the_sla(planned):
    """An answer that ends at max_tokens is useless, however fast it came."""
    plan = planned(max_tokens=20, bundled__time_scale=0.01, **NO_QUOTA)
    assert plan.cut_rate > 0.95
    assert plan.sla == pytest.approx(1 - plan.cut_rate)


def test_json_is_the_whole_prediction(planned):
    """Every figure by name; money as exact text."""
    plan = planned(load__requests=50)
    told = json.loads(plan_json(plan))
    assert told["schema"] == 1
    assert Decimal(told["total"]["usd"]["mean"]) == plan.total.usd.mean
    assert told["minutes"][0]["reserved"] == dict(plan.minutes[0].reserved)
    assert told["origins"]["load.requests"] == "command line --requests"


def test_the_page_fits_eighty_columns(planned):
    """Tables, bars and notes, but for the origins, which name files."""
    for flags in ({"load__pattern": "spike", "load__rate": "30/s"}, {"target__url": "https://chat.example.com"}):
        text = page(planned(**flags)).partition("where values came from")
        assert max(map(len, (text[0] + text[2].partition("→")[2]).splitlines())) <= 80
