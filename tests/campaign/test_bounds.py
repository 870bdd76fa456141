"""A run whose bounds can't be kept does not start."""

import pytest

from loadtester.campaign.bounds import require_bounds
from loadtester.cost import price_table
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import plan_of
from loadtester.scenario import resolve


def check(**flags):
    scenario = resolve({path.replace("__", "."): value for path, value in flags.items()})
    require_bounds(scenario, plan_of(scenario), price_table(scenario.prices))


@pytest.mark.parametrize(
    ("flags", "second", "due"),
    [
        ({"load__rate": "6/s", "load__duration": "3s"}, 0, 6),
        ({"load__stages": ["2s:1/s", "1s:40/s"]}, 2, None),
        ({"load__pattern": "spike", "load__rate": "2/s", "load__duration": "10s"}, None, 20),
    ],
)
def test_a_plan_over_the_rate_is_refused_by_its_busiest_second(flags, second, due):
    """Wrong usage, with the second and how many requests are due in it."""
    with pytest.raises(FmloadError) as caught:
        check(**flags, safety__max_rate="5/s")
    assert caught.value.code == Exit.USAGE
    assert "--max-rate allows 5/s" in caught.value.message
    assert second is None or f"{second} s after its start" in caught.value.message
    assert due is None or f"{due} requests due" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    "flags",
    [
        {"load__rate": "5/s", "load__duration": "3s", "safety__max_rate": "5/s"},
        {"load__users": 100, "safety__max_rate": "1/s"},
        {"model": "nobody.knows", "safety__max_requests": 5},
        {"safety__max_cost": "1"},
    ],
)
def test_what_can_be_kept_is_let_through(flags):
    """A plan at the rate, users (who are held back), and prices that nobody needs."""
    check(**flags)


def test_a_budget_needs_prices():
    """A model without a price can't be kept within a cap: wrong usage, naming it, with what to do."""
    with pytest.raises(FmloadError, match=r"no price is known for the model 'nobody\.knows'") as caught:
        check(model="nobody.knows", safety__max_cost="1")
    assert caught.value.code == Exit.USAGE
    assert "prices: {'nobody.knows'" in caught.value.remedy


def test_a_stated_price_will_do():
    """The user's own price is as good as a published one."""
    check(model="nobody.knows", safety__max_cost="1", prices={"nobody.knows": {"input": "1", "output": "2"}})


def test_a_budget_without_room_for_one_request_is_said_before_anything_is_sent():
    """Code 112, with what one request may cost at worst and what would make room."""
    with pytest.raises(FmloadError, match=r"no room for a single request: .* may cost \$0\.00\d+ at worst") as caught:
        check(safety__max_cost="0.0001")
    assert caught.value.code == Exit.BUDGET
    assert "--max-tokens" in caught.value.remedy
    check(safety__max_cost="0.0001", max_tokens=1, model="amazon.nova-micro-v1:0")


def test_requests_that_cost_nothing_need_no_room(tmp_path):
    """A mix with plain requests can always send those."""
    mix = tmp_path / "mix.yaml"
    mix.write_text(
        "mix: {lookup: {share: 0.5, model: 'anthropic.claude-3-haiku-20240307-v1:0', prompts: [a]}, "
        "browse: {share: 0.5, kind: crud, prompts: [GET /v1/products]}}"
    )
    check(mix=str(mix), safety__max_cost="0.0001")
