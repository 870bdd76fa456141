"""Searches of simulated targets whose capacity is known: the real decisions and the real figures, no clock."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BOUNDS, BucketTarget, SlotTarget, off, search, slots_truth_per_s

from loadtester.analysis.search.decisions import bracket_of, decide, next_step
from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step import LONGEST, Probe, Step
from loadtester.analysis.search.window import Window

WINDOW = Window(
    count=1_000, value=1.0, ci95=(0.996, 1.0), good=1.0, good_ci95=(0.996, 1.0), cause=None, is_refused=False,
    was_empty=False, is_empty=False, let_in_per_s=None, grown=0, dropped=0.0, from_s=0.0, answered=1_000,
    in_flight=5.0, answered_per_s=50.0,
)  # fmt: skip
PROBE = Probe(50.0, 30.0, 6.0)


def share(good, low, high, **changes):
    return replace(WINDOW, good=good, value=good, ci95=(low, high), good_ci95=(low, high), **changes)


def step(rate_per_s, verdict, window=WINDOW, **changes):
    return Step(replace(PROBE, rate_per_s=rate_per_s, **changes), window, verdict)


def test_a_quotas_rate_is_found_though_its_bucket_was_full_at_first():
    """Of 20 searches 95 % end within the precision of refill / 99 %, whatever the full bucket let pass before."""
    misses = fooled = 0
    for seed in range(20):
        per_s = 25.0 + seed
        steps, ending, _, _ = search(BOUNDS, BucketTarget(per_s), seed)
        assert ending == "found"
        misses += abs(off(steps, per_s / 0.99)) > BOUNDS.precision
        fooled += any(one.verdict == "pass" and not one.probe.surge_s and one.rate_per_s > per_s for one in steps)
    assert misses <= 1
    assert fooled > 10  # the trap was there


def test_a_services_rate_is_found_by_its_latency():
    """Of 20 searches of c slots 95 % end within the precision of the rate at which 1 % waits too long."""
    misses = 0
    for seed in range(20):
        slots = 60 + 2 * seed
        target = SlotTarget(slots, service_s=0.5)
        truth_per_s = slots_truth_per_s(target)
        steps, ending, _, _ = search(replace(BOUNDS, from_per_s=16.0), target, seed)
        assert ending == "found"
        misses += abs(off(steps, truth_per_s)) > BOUNDS.precision
    assert misses <= 1


@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 1_000),
    cents=st.integers(1, 3_000),
    per_s=st.floats(3.0, 30.0),
    dearer=st.sampled_from([Decimal("0.2"), Decimal(1), Decimal(5)]),
)
def test_no_search_spends_more_than_it_may(seed, cents, per_s, dearer):
    """All steps' bills stay within --max-cost, though refused requests are free and answers get dearer or cheaper."""
    cap_usd = Decimal(cents) / 100
    steps, ending, spent, _ = search(
        replace(BOUNDS, to_per_s=64.0),
        BucketTarget(per_s),
        seed,
        left_usd=cap_usd,
        usd_of=lambda now_s: Decimal("0.001") * (dearer if now_s > 100 else 1),
    )
    assert spent <= cap_usd
    assert sum(one.usd for one in steps) <= cap_usd
    assert ending in ("found", "budget", "at_least")


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_a_search_ends_whatever_its_steps_show(data):
    """Within --max-steps, inside its bounds, and with no window longer than the longest."""
    bounds = replace(BOUNDS, max_steps=data.draw(st.integers(1, 25)), from_per_s=2.0, to_per_s=300.0)
    bounds = replace(bounds, counting=data.draw(st.sampled_from(["bucket", "minute"])))
    stated = data.draw(st.sampled_from([None, 1.0, 40.0, 250.0, 1_000.0]))
    steps = []
    while isinstance(probe := next_step(bounds, steps), Probe):
        assert bounds.from_per_s <= probe.rate_per_s <= bounds.to_per_s
        assert probe.surge_per_s <= bounds.to_per_s
        assert bounds.shortest_s <= probe.window_s <= LONGEST * bounds.shortest_s
        good = data.draw(st.sampled_from([None, 0.5, 0.98, 0.995, 1.0]))
        half = data.draw(st.sampled_from([0.0, 0.02]))
        refused = data.draw(st.booleans())
        window = replace(
            WINDOW,
            good=good,
            good_ci95=None if good is None else (good - half, min(1.0, good + half)),
            is_refused=refused,
            was_empty=data.draw(st.booleans()),
            let_in_per_s=data.draw(st.sampled_from([None, 1.0, 80.0])) if refused else None,
            grown=data.draw(st.sampled_from([0, 50])),
        )
        verdict, by_value = decide(bounds, probe, window)
        spoilt = data.draw(st.integers(0, 9)) == 0
        noise = data.draw(st.sampled_from([0.9, 1.0, 1.1]))
        verdict = "invalid" if spoilt else verdict
        steps.append(Step(probe, window, verdict, by_value, gap_s=1.0, allowed_per_s=stated and stated * noise))
        assert len(steps) <= bounds.max_steps
    assert probe in ("found", "at_least", "not_even", "quota", "steps", "generator")
    assert probe != "generator" or [one.verdict for one in steps[-3:]] == ["invalid"] * 3


@pytest.mark.parametrize(
    ("window", "length_s", "verdict"),
    [
        (share(1.0, 0.995, 1.0), 30.0, ("pass", False)),
        (share(0.95, 0.93, 0.97), 30.0, ("fail", False)),
        (share(0.995, 0.98, 0.999), 30.0, ("undecided", False)),
        (share(0.995, 0.98, 0.999), 120.0, ("pass", True)),
        (share(0.985, 0.97, 0.995), 120.0, ("fail", True)),
        (share(1.0, 0.995, 1.0, grown=40, cause="backlog"), 30.0, ("undecided", False)),
        (share(1.0, 0.995, 1.0, grown=40, cause="backlog"), 120.0, ("fail", True)),
        (share(1.0, 0.995, 1.0, cause="dropped"), 30.0, ("fail", False)),
        (replace(WINDOW, good=None, good_ci95=None, value=None, ci95=None, count=0), 30.0, ("undecided", False)),
        (replace(WINDOW, good=None, good_ci95=None, value=None, ci95=None, count=0), 120.0, ("fail", True)),
    ],
)
def test_a_step_is_decided_by_its_interval(window, length_s, verdict):
    """Pass above the limit, fail below it, else longer; at the longest by value, and marked so."""
    assert decide(BOUNDS, replace(PROBE, window_s=length_s), window) == verdict


def test_the_lower_bound_that_fails_and_the_upper_that_passes_end_a_search():
    """Not even the one, at least the other."""
    assert next_step(BOUNDS, [step(1.0, "fail")]) == "not_even"
    assert next_step(BOUNDS, [step(1.0, "pass"), step(1_000.0, "pass")]) == "at_least"


def test_an_undecided_step_is_taken_again_twice_as_long():
    """Unless it looks good on the way up: then a higher one may prove it."""
    shaky, fine = share(0.98, 0.95, 0.995), share(1.0, 0.96, 1.0)
    again = next_step(BOUNDS, [step(32.0, "undecided", shaky)])
    assert (again.rate_per_s, again.window_s) == (32.0, 60.0)
    assert next_step(BOUNDS, [step(1.0, "undecided", fine)]).rate_per_s == 2.0
    proof = next_step(BOUNDS, [step(8.0, "undecided", fine), step(16.0, "fail")])
    assert proof.rate_per_s == 8.0
    assert proof.window_s >= 60.0


def test_passes_from_before_a_refusal_count_no_longer():
    """Once a quota refused, a rate below is tried behind a surge that empties the bucket, though 8/s had passed."""
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, is_empty=True, let_in_per_s=6.0)
    probe = next_step(BOUNDS, [step(8.0, "pass"), step(16.0, "fail", refused)])
    assert probe.rate_per_s < 8.0
    assert probe.surge_per_s == 16.0
    assert probe.surge_s * (16.0 - 6.0) > 2.0 * 6.0  # more than was poured in while nothing was sent


def test_what_a_quota_let_in_foretells_the_two_rates_that_answer():
    """Just below and just above it, within the precision; where one of them disappoints, the next beyond it."""
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, is_empty=True, let_in_per_s=99.0)
    steps = [step(64.0, "pass"), step(200.0, "fail", refused)]
    low = next_step(BOUNDS, steps).rate_per_s
    assert low < 100.0 < low * (1 + BOUNDS.precision)
    surged = {"surge_s": 4.0, "surge_per_s": 200.0}
    steps.append(step(low, "pass", replace(WINDOW, was_empty=True), **surged))
    high = next_step(BOUNDS, steps).rate_per_s
    assert 100.0 < high <= low * (1 + BOUNDS.precision)
    assert next_step(BOUNDS, [*steps, step(high, "fail", refused, **surged)]) == "found"
    shown = [*steps, step(high, "pass", replace(WINDOW, was_empty=True), **surged)]
    assert high < next_step(BOUNDS, shown).rate_per_s <= high * (1 + BOUNDS.precision)


def test_a_goal_that_refusals_do_not_break_is_not_foretold_by_a_quota():
    """Of a latency's limit a quota's rate says nothing: the ratio is halved."""
    bounds = replace(BOUNDS, goal=goal_of("latency:p(95)<1s"))
    refused = share(0.5, 0.4, 0.6, cause="latency", is_refused=True, is_empty=True, let_in_per_s=99.0)
    steps = [step(64.0, "pass", replace(WINDOW, was_empty=True)), step(256.0, "fail", refused)]
    assert next_step(bounds, steps).rate_per_s == pytest.approx(128.0)


def test_an_undecided_step_in_the_bracket_is_taken_again_at_its_rate():
    """Longer, though what the quota let in has since been seen more exactly."""
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, is_empty=True, let_in_per_s=95.0)
    shaky = share(0.99, 0.97, 0.999, is_refused=True, was_empty=True, let_in_per_s=99.0)
    steps = [step(200.0, "fail", refused), step(93.0, "undecided", shaky, surge_s=4.0, surge_per_s=200.0)]
    again = next_step(BOUNDS, steps)
    assert (again.rate_per_s, again.window_s) == (93.0, 2 * PROBE.window_s)


def test_even_gaps_need_no_room_for_chance():
    """No pause after a surge, and windows no longer than the share needs."""
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, is_empty=True, let_in_per_s=99.0)
    steps = [step(64.0, "pass"), step(200.0, "fail", refused)]
    even, chance = (next_step(replace(BOUNDS, step_s=1.0, arrivals=kind), steps) for kind in ("uniform", "poisson"))
    assert even.pause_s == 0.0 < chance.pause_s
    bounds = replace(BOUNDS, goal=goal_of("sla>=90%"))
    even, chance = (next_step(replace(bounds, step_s=1.0, arrivals=kind), steps) for kind in ("uniform", "poisson"))
    assert even.window_s < chance.window_s


def test_a_surge_that_met_no_refusal_is_doubled_and_given_up_in_the_end():
    """The bucket may have been deeper; after three there is no quota there any more."""
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, is_empty=True, let_in_per_s=7.9)
    steps = [step(16.0, "fail", refused), step(8.0, "pass", surge_s=4.0, surge_per_s=16.0)]
    assert next_step(BOUNDS, steps).surge_s >= 8.0
    steps += [step(8.0, "pass", surge_s=8.0, surge_per_s=16.0), step(8.0, "pass", surge_s=16.0, surge_per_s=16.0)]
    assert bracket_of(BOUNDS, steps).passed.rate_per_s == 8.0


def test_a_quota_by_the_clocks_minute_has_windows_of_whole_minutes_and_no_surge():
    """Half a minute of it says nothing, and a surge would use up all of it."""
    bounds = replace(BOUNDS, counting="minute")
    refused = share(0.5, 0.4, 0.6, cause="quota", is_refused=True, let_in_per_s=6.0)
    steps = [step(8.0, "pass"), step(16.0, "fail", refused)]
    probe = next_step(bounds, steps)
    assert probe.window_s % 60.0 == 0.0
    assert probe.surge_s == 0.0


def test_a_budget_that_is_spent_or_would_be_ends_a_search():
    """Nothing is begun that would probably cost more than is left."""
    steps = [replace(step(1.0, "pass"), usd=Decimal("0.36"))]
    assert next_step(BOUNDS, steps, Decimal(0)) == "budget"
    assert next_step(BOUNDS, steps, Decimal("0.5")) == "budget"
    assert isinstance(next_step(BOUNDS, steps, Decimal(2)), Probe)


def test_steps_that_were_cut_short_or_spoilt_say_nothing_of_the_target():
    """The same rate is tried again; three that the generator spoilt in a row end the search."""
    spoilt = [step(1.0, "invalid")]
    assert next_step(BOUNDS, spoilt).rate_per_s == 1.0
    assert next_step(BOUNDS, spoilt * 3) == "generator"
    assert next_step(BOUNDS, [step(1.0, "cut")]).rate_per_s == 1.0
