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
