"""The scenario of a search's step, and what its run says of the generator."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step import Bounds, Probe
from loadtester.campaign.search import search
from loadtester.campaign.search_step import ending_of, step_scenario
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import plan_of
from loadtester.live import Quiet
from loadtester.reporters.search_lines import answer_text, exit_code
from loadtester.scenario import resolve


def scenario(**flags):
    return resolve({"target.url": "http://127.0.0.1:1", **flags})


def per_s(due_s, start_s, end_s):
    return float(((due_s >= start_s) & (due_s < end_s)).sum()) / (end_s - start_s)


def test_a_step_is_poisson_arrivals_at_its_rate():
    """Whatever shape the scenario's own traffic has."""
    given = scenario(**{"load.pattern": "spike", "load.requests": 7, "load.arrivals": "uniform"})
    plan = plan_of(step_scenario(given, Probe(200.0, 30.0, 6.0), 1, None))
    assert plan.duration_s == 36.0
    assert len(plan) == pytest.approx(7_200, rel=0.05)
    gaps = np.diff(plan.due_ns)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.1)  # exponential


def test_a_surge_comes_before_and_a_pause_between():
    """The rate jumps; it does not glide."""
    probe = Probe(100.0, 20.0, 10.0, surge_per_s=400.0, surge_s=5.0, pause_s=2.0)
    due_s = plan_of(step_scenario(scenario(), probe, 3, None)).due_ns / 1e9
    assert due_s.max() < probe.duration_s == 37.0
    assert per_s(due_s, 0.0, 5.0) == pytest.approx(400.0, rel=0.1)
    assert per_s(due_s, 5.0, 7.0) == 0.0
    assert per_s(due_s, 7.0, 37.0) == pytest.approx(100.0, rel=0.1)


def test_a_step_has_a_draw_of_its_own_what_is_left_and_no_limits_but_the_searchs():
    """Thresholds would end it early, as would a watch for saturation; retries would hide what it looks for."""
    given = scenario(
        **{
            "load.on_throttle": "backoff",
            "load.stop_when_saturated": True,
            "thresholds": ["latency:p(95)<1s"],
            "safety.max_cost": "9",
        }
    )
    assert given.load.is_stopped_when_saturated
    first, second = (step_scenario(given, Probe(10.0, 30.0, 6.0), number, Decimal(2)) for number in (1, 2))
    assert (first.load.seed, second.load.seed) == (given.load.seed, given.load.seed + 1)
    assert first.safety.max_cost_usd == 2
    assert first.judge.thresholds == ()
    assert first.load.on_throttle == "record"
    assert not first.load.is_stopped_when_saturated
    assert replace(first.load, seed=0) == replace(second.load, seed=0)


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"exit_codes": []}, None),
        ({"exit_codes": [112]}, "budget"),
        ({"exit_codes": [105]}, "interrupted"),
        ({"exit_codes": [105], "target_ended": "the bundled target (app) ended"}, "target"),
    ],
)
def test_what_ends_a_step_early_ends_the_search(changes, ending):
    """The worst of it names the ending."""
    assert ending_of(changes) == ending


def searched(url, tmp_path, **limits):
    """A search from 20/s to 40/s, of short steps with even gaps."""
    given = scenario(
        **{
            "target.url": url,
            "target.protocol": "rest",
            "load.workers": 1,
            "output.directory": str(tmp_path / "reports"),
            "output.name": "search",
            **limits,
        }
    )
    bounds = Bounds(
        goal_of("sla>=90%"), from_per_s=20.0, to_per_s=40.0, precision=0.05, step_s=0.5, max_steps=20,
        arrivals="uniform", is_quota_known=True,
    )  # fmt: skip
    return search(given, bounds, lambda _planned, _duration_s: Quiet(), lambda _text: None)


def test_a_step_over_the_highest_rate_ends_the_search_with_what_is_known(tmp_path, queued_target):
    """The steps before it were paid for: they are reported, and why there are no more; code 112."""
    found = searched(queued_target(), tmp_path, **{"safety.max_rate": "22/s"})
    assert (found.ending, exit_code(found)) == ("budget", Exit.BUDGET)
    assert {step.rate_per_s for step in found.steps} == {20.0}
    assert "--max-rate allows 22/s" in found.said
    assert "--max-rate allows 22/s" in answer_text(found)
    assert (tmp_path / "reports" / found.id / "search.json").exists()


def test_a_first_step_over_the_highest_rate_is_refused(tmp_path):
    """Before anything is sent: code 2, and nothing is left behind."""
    with pytest.raises(FmloadError, match="--max-rate allows 10/s") as raised:
        searched("http://127.0.0.1:1", tmp_path, **{"safety.max_rate": "10/s"})
    assert raised.value.code is Exit.USAGE
    assert not (tmp_path / "reports").exists()
