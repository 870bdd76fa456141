"""What a search can be steered by."""

import pytest

from loadtester.analysis.search.goal import goal_of
from loadtester.errors import Exit, FmloadError


@pytest.mark.parametrize(
    ("expression", "needed", "limit"),
    [
        ("sla>=99%", 0.99, 0.99),
        ("throttle_rate<0.1%", 0.999, 0.001),
        ("error_rate <= 0.01", 0.99, 0.01),
        ("timeout_rate<1%", 0.99, 0.01),
        ("latency:p(95)<3s", 0.95, 3.0),
        ("ttft{query=recommendation}:p(99)<500ms", 0.99, 0.5),
        ("latency:med<2s", 0.5, 2.0),
    ],
)
def test_a_goal_comes_down_to_a_share_of_good_requests(expression, needed, limit):
    """A rate's complement, and a percentile's own rank."""
    goal = goal_of(expression)
    assert goal.needed == pytest.approx(needed)
    assert goal.limit == pytest.approx(limit)
    assert goal.is_percentile == ("s" in expression[-2:])


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("sal>=99%", "sla"),
        ("sla>=99", "whole"),
        ("sla<=99%", ">="),
        ("throttle_rate>1%", "<="),
        ("latency:p(95)>3s", "write <"),
        ("latency:avg<3s", "p(95)"),
        ("goodput>=40/s", "too high"),
        ("cost.run<5", "too high"),
        ("latency{kind=ai}:p(95)<3s", "query and model"),
        ("latency:p(95)[60s]<3s", "leave [..] out"),
        ("error_rate<=100%", "any traffic"),
        ("", "threshold"),
    ],
)
def test_what_cannot_steer_a_search_is_a_usage_error(expression, hint):
    """It says why, and what to write."""
    with pytest.raises(FmloadError) as error:
        goal_of(expression)
    assert error.value.code is Exit.USAGE
    assert hint in str(error.value)
