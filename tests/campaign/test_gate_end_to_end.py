"""A run of a real load at a target with a queue, stopped by what is seen in its first seconds."""

import json
from contextlib import nullcontext
from functools import partial

import pytest

from loadtester.analysis.thresholds.saturation import Rule
from loadtester.campaign import campaign
from loadtester.campaign.gate import Gate
from loadtester.errors import Exit
from loadtester.live import Quiet
from loadtester.reporters import exit_code
from loadtester.scenario import resolve

#: As shipped, but for windows of 4 s, of which one and a half have to be seen, and what four points can show: 95 %.
QUICK = Rule(batches=4, shortest_s=4, longest_s=4, significant=1.64, lasting=0.5)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a scenario at `url`; the report and what its directory holds."""
    monkeypatch.setattr(campaign, "Gate", partial(Gate, rule=QUICK))

    def play(url, **changes):
        given = {"target.url": url, "target.protocol": "rest", "output.directory": str(tmp_path), "load.seed": 1}
        scenario = resolve(given | {name.replace("__", "."): value for name, value in changes.items()})
        report = campaign.run(scenario, lambda _planned, _duration_s: nullcontext(Quiet()))
        directory = tmp_path / str(report.manifest["id"])
        return report, [json.loads((directory / f"{name}.json").read_text()) for name in ("manifest", "summary")]

    return play


def test_a_queue_that_grows_without_end_stops_the_run(run, queued_target):
    """Three times what one server can take: stopped, 112, suspect, and the report says since when and how fast."""
    report, (manifest, summary) = run(
        queued_target(0.05),
        load__rate="60/s",
        load__duration="60s",
        load__graceful_stop="0s",
        load__stop_when_saturated=True,
    )
    assert manifest["status"] == "stopped"
    stop = manifest["stop"]
    assert (stop["reason"], stop["wait"]) == ("saturated", "ttft")
    assert stop["at_s"] < 60
    assert stop["in_flight"]["slope_per_s"] > 0
    assert stop["wait_s"]["slope_per_s"] > 0
    assert stop["offered_per_s"] == pytest.approx(60, rel=0.2)
    assert summary["funnel"]["cancelled"] > 0
    assert Exit.BUDGET in manifest["exit_codes"]
    assert summary["run"]["exit_code"] == exit_code(report) != 0
    reasons = {reason["code"]: reason["message"] for reason in summary["validity"]["reasons"]}
    assert "over-saturated" in reasons["saturated"]
    assert summary["run"]["stopped_by"].startswith("stopped at ")
