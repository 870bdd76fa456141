"""Searches at targets whose quota is stated: simulated, the real decisions and the real figures, no clock."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from simulated import BOUNDS, BucketTarget, SlotTarget, off, search

from loadtester.analysis.quotas.calls import MOST_CALLS
from loadtester.analysis.search.decisions import bracket_of
from loadtester.analysis.search.step import Probe, Step
from loadtester.analysis.search.step_quota import allowed_per_s, stated_per_s
from loadtester.analysis.search.window import Window

SHORT = replace(BOUNDS, from_per_s=30.0, to_per_s=120.0, step_s=10.0)


def model(offered, used_mean, tokens=None, requests=None):
    """What of a model's quota counts here."""
    return SimpleNamespace(
        offered=offered, used_mean=used_mean, stated_tokens_per_minute=tokens, stated_requests_per_minute=requests
    )


@pytest.mark.parametrize(
    ("models", "allowed"),
    [
        ([model(100, 700.0, tokens=84_000)], 2.0),
        ([model(25, 700.0, tokens=84_000), model(75, 100.0, tokens=84_000)], 8.0),
        ([model(75, 700.0, tokens=84_000), model(25, 100.0, tokens=84_000)], 2.0 / 0.75),
        ([model(50, 700.0, tokens=84_000)], 4.0),
        ([model(100, 700.0, tokens=84_000, requests=60)], 1.0),
        ([model(100, None, requests=60)], 1.0),
        ([model(100, None, tokens=84_000)], None),
        ([model(100, 700.0)], None),
        ([], None),
    ],
)
def test_a_quota_allows_its_limit_by_what_requests_used(models, allowed):
    """The model that is used up first, by its own share of 100 requests, decides; nothing stated, or known, is None."""
    quota = SimpleNamespace(by_model=dict(enumerate(models)))
    found = allowed_per_s(quota, 100)
    assert found is None if allowed is None else found == pytest.approx(allowed)
    assert allowed_per_s(None, 100) is None


def test_calls_of_a_long_step_are_compared_with_the_requests_that_they_come_from():
    """Of more requests than are looked at, the calls are those of the first; the others bring none."""
    quota = SimpleNamespace(by_model={"m": model(MOST_CALLS, 700.0, tokens=84_000)})
    assert allowed_per_s(quota, MOST_CALLS) == allowed_per_s(quota, 3 * MOST_CALLS) == pytest.approx(2.0)


def test_tokens_of_all_steps_are_averaged_by_their_requests():
    """Thirty requests of twice the tokens halve what ten alone would allow less than by the mean of rates."""
    window = Window(
        count=1, value=1.0, ci95=None, good=1.0, good_ci95=None, cause=None, is_refused=False, was_empty=False,
        is_empty=False, let_in_per_s=None, grown=0, dropped=0.0, from_s=0.0, answered=0, in_flight=1.0,
        answered_per_s=1.0,
    )  # fmt: skip
    steps = [
        Step(Probe(1.0, 1.0, 0.0), replace(window, answered=answered), "pass", allowed_per_s=allowed)
        for answered, allowed in [(10, 4.0), (30, 2.0), (5, None)]
    ]
    assert stated_per_s(steps) == pytest.approx(40 / (10 / 4 + 30 / 2))
    assert stated_per_s([]) is None


def test_a_stated_quota_is_met_by_a_surge_though_every_rate_passes_out_of_its_bucket():
    """Without the statement the same search is fooled; with it the answer is measured, within the precision."""
    for seed in range(6):
        per_s = 40.0 + seed
        assert search(SHORT, BucketTarget(per_s), seed)[1] == "at_least"
        steps, ending, _, _ = search(SHORT, BucketTarget(per_s), seed, stated_per_s=per_s)
        assert ending == "found"
        assert abs(off(steps, per_s / 0.99)) <= SHORT.precision
        assert bracket_of(SHORT, steps).failed.window.cause == "quota"


@pytest.mark.parametrize("counting", ["bucket", "minute"])
def test_where_no_surge_can_empty_it_the_stated_quota_is_the_answer(counting):
    """Too little room under --to, or minutes of the clock: a rate just below was held, and the ending says computed."""
    bounds = replace(SHORT, to_per_s=50.0, counting=counting)
    steps, ending, _, _ = search(bounds, BucketTarget(40.0, depth_s=3_600.0), 1, stated_per_s=40.0)
    assert ending == "quota"
    assert not any(step.probe.surge_s for step in steps)
    assert 40.0 / 0.99 / (1 + bounds.precision) <= bracket_of(bounds, steps).passed.rate_per_s <= 40.0 / 0.99


def test_a_lower_bound_over_the_stated_quota_holds_only_while_the_bucket_lasts():
    """So not even that passes, met or not."""
    bounds = replace(SHORT, from_per_s=45.0, to_per_s=50.0)
    steps, ending, _, _ = search(bounds, BucketTarget(40.0), 1, stated_per_s=40.0)
    assert (ending, bracket_of(bounds, steps).passed) == ("not_even", None)
    bounds = replace(SHORT, from_per_s=60.0)
    steps, ending, _, _ = search(bounds, BucketTarget(40.0), 1, stated_per_s=40.0)
    assert ending == "not_even"
    assert bracket_of(bounds, steps).failed.window.cause == "quota"


def test_a_stated_quota_that_the_target_does_not_keep_to_is_given_up_after_three_surges():
    """Then what passes counts."""
    steps, ending, _, _ = search(SHORT, BucketTarget(1_000.0), 1, stated_per_s=40.0)
    assert ending == "at_least"
    assert sum(bool(step.probe.surge_s) for step in steps) == 3


def test_a_service_that_is_slower_than_its_stated_quota_is_found_by_its_latency():
    """A quota that no rate comes to changes nothing."""
    bounds = replace(SHORT, step_s=30.0)
    target = SlotTarget(40, service_s=0.5)
    plain, stated = (search(bounds, target, 1, stated_per_s=per_s) for per_s in (None, 200.0))
    assert (stated[1], stated[0][-1].probe) == ("found", plain[0][-1].probe)
    assert not any(step.probe.surge_s for step in stated[0])
