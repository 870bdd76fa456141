"""A night: every scenario gets its turn, its part of the budget and its place in the verdict."""

import json
import os
import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtester.analysis import ThresholdResult, Validity, summarise
from loadtester.analysis.comparison.found import Compared
from loadtester.analysis.comparison.night import complaints
from loadtester.campaign import nightly
from loadtester.campaign.nightly import Terms, forecasts, require_suite, run_night
from loadtester.cost import price_table
from loadtester.errors import Exit, FmloadError
from loadtester.reporters.night_text import night_text
from loadtester.rundir import read
from loadtester.scenario.suite import read_suite

FAILED = ThresholdResult("latency:p(95)<3s", 4.5, None, 3.0, -0.5, "fail", unit="s")


@pytest.fixture(scope="module")
def report():
    run = read(Path(__file__).parents[2] / "reports" / "example")
    return summarise(run.manifest, run.recording, price_table({}))


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("scenarios: [smoke, load, {scenario: stress, gate: false}]\n")
    return read_suite(str(path), {"output.directory": str(tmp_path / "reports")}, {})


@pytest.fixture
def night(suite, monkeypatch):
    """Runs the suite with what each scenario is to end with, by name; the night, its directory, and what was run."""

    def play(endings, *, max_cost=None):
        ran = {}

        def run(scenario, _watch, *, baseline):
            assert baseline == "latest-good"
            ran[scenario.output.name] = scenario
            ending = endings[scenario.output.name]
            if callable(ending):
                return ending(scenario)
            if isinstance(ending, BaseException):
                raise ending
            return ending

        monkeypatch.setattr(nightly, "run", run)
        cap = None if max_cost is None else Decimal(max_cost)
        done, directory = run_night(suite, Terms(cap, "latest-good"), lambda _: None, lambda _: None)
        return done, directory, ran

    return play


def test_one_scenario_does_not_stop_the_others(night, report):
    """A dead target and a fault of fmload's own are results; the exit code is the worst by precedence."""
    dead = FmloadError("no answer from chat.example", remedy="is it up?", code=Exit.UNREACHABLE)
    done, directory, ran = night({"smoke": dead, "load": report, "stress": ValueError("odd")})
    assert list(ran) == ["smoke", "load", "stress"]
    assert [result.codes for result in done.results] == [(113,), (), (1,)]
    assert done.exit_code == 1
    assert "no answer from chat.example; is it up?" in done.results[0].problem
    kept = json.loads((directory / "night.json").read_text("utf-8"))
    assert [one["name"] for one in kept["scenarios"]] == ["smoke", "load", "stress"]
    assert (directory / "summary.md").read_text("utf-8").startswith("## fmload nightly mine: failed: smoke, stress")
    assert len(ET.parse(directory / "junit.xml").getroot()) == 3  # noqa: S314  our own file


def test_what_is_known_is_kept_after_each_scenario(night, report, tmp_path):
    """Killed in the second scenario, a night has the first one's results on the disk."""
    seen = []

    def look(_scenario):
        (kept,) = (tmp_path / "reports").glob("*-nightly-mine/night.json")
        seen.append([one["name"] for one in json.loads(kept.read_text("utf-8"))["scenarios"]])
        return report

    night({"smoke": report, "load": look, "stress": look})
    assert seen == [["smoke"], ["smoke", "load"]]


def test_each_scenario_gets_what_is_left_of_the_budget(night, report):
    """The example run cost $1.5458: of $2 the second scenario has 45 cents, and after it nothing is left."""
    done, _, ran = night({"smoke": report, "load": report, "stress": report}, max_cost="2")
    caps = [scenario.safety.max_cost_usd for scenario in ran.values()]
    assert caps == [Decimal(2), 2 - report.total.cost.run]
    assert done.results[2].problem == "not run: the night's budget was spent"
    assert done.exit_code == Exit.BUDGET


def test_a_run_that_reached_the_nights_cap_ends_the_spending(night, report):
    """A run that what was left has stopped leaves too little for another; a broken one's bill is unknown."""
    budget = {"cap_usd": "5", "spent_usd": "4.9", "assumed_usd": "0"}
    manifest = {**report.manifest, "budget": budget, "stopped_by": "stopped before --max-cost could be passed"}
    stopped = replace(report, manifest=manifest, exit_codes=(Exit.BUDGET,))
    for first in (stopped, ValueError("odd")):
        _, _, ran = night({"smoke": first, "load": report, "stress": report}, max_cost="5")
        assert list(ran) == ["smoke"]


def test_an_interrupted_run_ends_the_night(night, report):
    """What was to come is listed as not run, and the code is 105; the same for a signal between two runs."""
    stopped = replace(report, exit_codes=(Exit.INTERRUPTED,))

    def signalled(_scenario):
        os.kill(os.getpid(), signal.SIGTERM)
        return report

    for first in (stopped, KeyboardInterrupt(), signalled):
        done, _, ran = night({"smoke": first, "load": report, "stress": report})
        assert list(ran) == ["smoke"]
        assert [result.problem for result in done.results[1:]] == ["not run: the night was interrupted"] * 2
        assert done.exit_code == Exit.INTERRUPTED


def test_only_gates_fail_the_night(night, report):
    """A threshold of a scenario that looks for the edge is shown, and decides nothing; other codes still do."""
    failed = replace(report, thresholds=(FAILED,), exit_codes=(Exit.THRESHOLD,))
    done, _, _ = night({"smoke": report, "load": report, "stress": failed})
    assert done.exit_code == 0
    done, _, _ = night({"smoke": report, "load": failed, "stress": report})
    assert done.exit_code == Exit.THRESHOLD
    late = replace(failed, exit_codes=(Exit.THRESHOLD, Exit.INVALID_RUN))
    done, _, _ = night({"smoke": report, "load": report, "stress": late})
    assert done.exit_code == Exit.INVALID_RUN


def test_why_there_is_no_comparison_is_said_once(night, report):
    """Not for each scenario, where it is the same for all."""
    first = replace(report, against=Compared(None, None, "no good run before it"))
    done, directory, _ = night({"smoke": first, "load": first, "stress": first})
    page = (directory / "summary.md").read_text("utf-8")
    assert page.count("no good run before it") == 1
    assert "- not compared: none of them: no good run before it" in page.splitlines()
    assert "not compared: none of them: no good run before it" in night_text(done).splitlines()


def test_what_an_invalid_run_kept_to_is_not_called_a_failure(night, report):
    """Nothing passes then, but only what is over its limit is named."""
    kept = replace(FAILED, expression="error_rate<20%", value=0.01, margin=0.95, reason="the run is invalid")
    invalid = replace(report, validity=Validity("invalid"), thresholds=(FAILED, kept), exit_codes=(Exit.INVALID_RUN,))
    done, _, _ = night({"smoke": report, "load": invalid, "stress": report})
    said = list(complaints(done.results[1]))
    assert said == ["invalid", "latency:p(95)<3s failed", "1 threshold held, but an invalid run passes none"]


def test_faults_are_found_before_the_night(tmp_path):
    """Whatever would keep any scenario from starting is told at once, under its name."""
    path = tmp_path / "s.yaml"
    path.write_text(
        "scenarios:\n  - {scenario: sustained, model: nobody.knows}\n"
        "  - {scenario: spike, safety: {max_rate: 1/s}}\n  - smoke\n"
    )
    suite = read_suite(str(path), {"output.directory": str(tmp_path / "reports")}, {})
    with pytest.raises(FmloadError) as caught:
        require_suite(suite, Terms(Decimal(5)))
    first, second = caught.value.message.splitlines()
    assert first.startswith("sustained: --max-cost can't be kept")
    assert second.startswith("spike: the plan has 20 requests due in its busiest second")


def test_a_forecast_is_made_of_each_scenario(tmp_path):
    """Length, requests and money from the plan alone; a model without a price is told, and stops nothing."""
    path = tmp_path / "s.yaml"
    path.write_text(
        "scenarios:\n  - {scenario: sustained, load: {duration: 10s}}\n"
        "  - {scenario: sustained, name: odd, model: nobody.knows, load: {duration: 5s}}\n"
    )
    known, unknown = forecasts(read_suite(str(path), {}, {}))
    assert (known.duration_s, known.requests) == (10, 50)
    assert 0 < known.usd <= known.usd_high
    assert (unknown.name, unknown.requests, unknown.usd) == ("odd", None, None)
    assert "nobody.knows" in unknown.problem
