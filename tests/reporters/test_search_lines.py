"""A search as people and programs read it."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from loadtester.analysis.search.found import EXITS, Found
from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step import Bounds, Probe, Step
from loadtester.analysis.search.window import Window
from loadtester.reporters.search_lines import answer_text, exit_code, search_text, step_line

WINDOW = Window(
    count=900, value=0.998, ci95=(0.9931, 0.9994), good=0.998, good_ci95=(0.9931, 0.9994), cause=None,
    is_refused=False, was_empty=False, is_empty=False, let_in_per_s=None, grown=0, dropped=0.0, from_s=6.0,
    answered=900, in_flight=12.0, answered_per_s=30.0,
)  # fmt: skip
REFUSED = replace(
    WINDOW, value=0.5, ci95=(0.45, 0.55), good=0.5, good_ci95=(0.45, 0.55), cause="quota", is_refused=True,
    is_empty=True, let_in_per_s=31.5,
)  # fmt: skip
BOUNDS = Bounds(goal_of("sla>=99%"), 1.0, 100.0, 0.05, 30.0, 30)
PASSED = Step(Probe(30.0, 30.0, 6.0, 60.0, 5.0), replace(WINDOW, was_empty=True), "pass", usd=Decimal("0.25"))
FAILED = Step(Probe(31.5, 30.0, 6.0), REFUSED, "fail", usd=Decimal("0.5"), run="02-31.5-per-s", remark="you hit it")
FOUND = Found(
    id="2026-11-21T07-30-05Z-search", target="http://127.0.0.1:1", protocol="rest", seed=1, slo_s=3.0,
    max_cost_usd=Decimal(2), bounds=BOUNDS, steps=(PASSED, FAILED), ending="found", said="",
    started_at="2026-11-21T07:30:05.000+00:00", elapsed_s=80.0,
)  # fmt: skip


def test_the_answer_names_rates_interval_cause_knee_and_bill():
    """Everything that was asked for, in a few lines."""
    text = answer_text(FOUND)
    assert "sla>=99% holds at 30/s (sla 99.80%, 95 % interval 99.31% to 99.94%)" in text
    assert "it fails at 31.5/s (sla 50.00%" in text
    assert "the quota refused requests" in text
    assert "knee: quota; once its bucket was empty it let in 31.5/s" in text
    assert "2 steps, 80 s, $0.7500 of $2.00 spent" in text
    assert "not fitted; it needs 6 steps" in text


@pytest.mark.parametrize(
    ("ending", "steps", "said"),
    [
        ("at_least", (PASSED,), "holds at least at 30/s"),
        ("not_even", (FAILED,), "holds at less than 31.5/s"),
        ("interrupted", (), "no step was decided"),
        ("budget", (PASSED,), "--max-cost"),
        ("generator", (PASSED,), "not the target"),
        ("target", (PASSED,), "is gone"),
        ("steps", (PASSED,), "after 1 steps"),
        ("quota", (PASSED,), "computed and was not seen"),
    ],
)
def test_each_ending_says_what_is_known(ending, steps, said):
    """And has its exit code."""
    found = replace(FOUND, ending=ending, steps=steps)
    assert said in answer_text(found)
    assert exit_code(found) == EXITS[ending]


def test_a_pass_that_a_full_bucket_may_have_let_in_says_for_how_long_it_was_held():
    """Unless the quota is stated, or was met."""
    held = "for 36 s: a quota by the minute that began full can hide behind that"
    passed = replace(PASSED, probe=replace(PASSED.probe, surge_s=0.0), window=WINDOW)
    found = replace(FOUND, ending="at_least", steps=(passed,))
    assert held in answer_text(found)
    assert held not in answer_text(replace(found, bounds=replace(BOUNDS, is_quota_known=True)))
    assert held not in answer_text(replace(found, steps=(passed, FAILED)))


def test_what_the_stated_quota_allows_is_marked_as_computed():
    """And where the bucket alone let a rate in, or the target doesn't keep to the quota, that is said."""
    plain = replace(PASSED, probe=Probe(30.0, 30.0, 6.0), window=WINDOW, allowed_per_s=30.5)
    fast = replace(plain, probe=Probe(100.0, 30.0, 6.0))
    found = replace(FOUND, ending="quota", steps=(plain, fast))
    text = answer_text(found)
    assert "sla>=99% holds at 30/s" in text
    assert "the stated quota allows 30.5/s in the long run: computed" in text
    assert "100/s passed out of its full bucket alone" in text
    assert json.loads(search_text(found))["answer"]["quota_allows_per_s"] == pytest.approx(30.5)
    surged = replace(fast, probe=replace(fast.probe, surge_s=20.0, surge_per_s=100.0))
    assert "doesn't keep to it" in answer_text(replace(found, ending="at_least", steps=(plain, surged, surged, surged)))
    assert "can't hold at 1/s" in answer_text(replace(found, ending="not_even", steps=()))


def test_a_line_for_each_step_says_how_it_was_decided():
    """By value where it was, why where it failed, and what its surge showed."""
    assert "FAIL" in step_line(BOUNDS, FAILED, 2)
    assert "the quota refused requests" in step_line(BOUNDS, FAILED, 2)
    assert "by its value" in step_line(BOUNDS, replace(PASSED, is_by_value=True), 1)
    assert "surge" in step_line(BOUNDS, PASSED, 1)
    empty = replace(WINDOW, value=None, ci95=None, good=None, good_ci95=None, count=0)
    assert "no request in its window" in step_line(BOUNDS, replace(PASSED, window=empty), 1)


def test_search_json_holds_the_same_and_can_be_read_back():
    """Numbers as numbers, money as exact decimals, nothing that JSON has no name for."""
    read = json.loads(search_text(FOUND))
    assert read["schema"] == 1
    assert read["answer"]["highest_passing_per_s"] == 30.0
    assert read["answer"]["lowest_failing_per_s"] == 31.5
    assert read["answer"]["knee"] == "quota"
    assert read["spent_usd"] == "0.75"
    assert [step["verdict"] for step in read["steps"]] == ["pass", "fail"]
    assert read["steps"][1]["run"] == "02-31.5-per-s"
    going = json.loads(search_text(replace(FOUND, ending=None)))
    assert (going["status"], read["status"]) == ("running", "complete")
