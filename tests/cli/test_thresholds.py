"""Thresholds as a user meets them: a run that one stops, exit codes, other limits afterwards."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.errors import Exit, FmloadError

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def test_a_failed_threshold_stops_the_run(tmp_path, queued_target):
    """Long before its end, drained, on two workers' seconds together; 99 and not 105; and the manifest says why."""
    load = ("--protocol", "rest", "-r", "30/s", "-d", "60s", "--workers", "2", "-y", "-q")
    limits = ("--threshold", "latency{kind=ai}:p(50)<1ms", "--abort-on-fail", "--abort-delay", "1s")
    done = CliRunner().invoke(
        app, ["run", queued_target(0.005), *load, *limits, "--summary", "json", "--out", str(tmp_path / "runs")]
    )
    (directory,) = (tmp_path / "runs").iterdir()
    manifest, summary = json.loads((directory / "manifest.json").read_text()), json.loads(done.stdout)
    assert manifest["status"] == "stopped"
    assert manifest["stop"]["threshold"] == "latency{kind=ai}:p(50)<1ms"
    assert 99 in manifest["exit_codes"]
    assert 105 not in manifest["exit_codes"]
    assert manifest["stop"]["at_s"] < 30
    assert summary["run"]["stopped_by"] == manifest["stopped_by"]
    assert summary["funnel"]["cancelled"] > 0
    assert summary["funnel"]["cancelled_in_flight"] == 0
    assert [one["verdict"] for one in summary["thresholds"]] == ["fail"]
    assert done.exit_code == summary["run"]["exit_code"] != 0


def _report(*args):
    return CliRunner().invoke(app, ["report", *map(str, args)])


def test_a_run_is_judged_again_by_other_limits(tmp_path):
    """From its directory alone: 0 and a table where they hold, 99 where one fails, 2 where one is none."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    kept = _report(run, "--summary", "compact", "--threshold", "latency:p(95)<1m")
    assert kept.exit_code == 0, kept.stderr
    lines = kept.stderr.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("threshold "))
    assert lines[place].split() == ["threshold", "value", "95", "%", "interval", "margin", "verdict"]
    assert lines[place + 1].startswith("latency:p(95)<1m")
    assert lines[place + 1].endswith("pass")
    failed = _report(run, "--summary", "json", "--threshold", "sla>=99%")
    assert failed.exit_code == Exit.THRESHOLD
    assert json.loads(failed.stdout)["thresholds"][0]["verdict"] == "fail"
    wrong = _report(run, "--threshold", "latensy:p95<3s").exception
    assert isinstance(wrong, FmloadError)
    assert wrong.code is Exit.USAGE
    assert "did you mean latency?" in str(wrong)
    assert "did you mean p(95)?" in str(wrong)


@pytest.mark.parametrize("asked", [("--threshold", "sla>=99%"), ("--strict-ci",)])
def test_asking_changes_nothing_of_a_run(tmp_path, asked):
    """What it was found to be stays: later runs may still be compared with it. What was asked for is written."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    done = _report(run, "--summary", "none", "--report", "junit", *asked)
    assert done.exit_code in (Exit.OK, Exit.THRESHOLD)
    assert "summary.json and report.html in" in done.stderr
    after = {path.name: path.read_bytes() for path in run.iterdir()}
    assert "junit.xml" in after
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"junit.xml"}


def test_a_tag_of_other_limits_is_held_against_the_runs_mix(tmp_path):
    """A slip is said at once, all of them together, and not as a lack of data."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    slips = ("--threshold", "ttft{query=recomendation}:p(95)<3s", "--threshold", "sla{kind=a}>1%")
    wrong = _report(run, *slips).exception
    assert isinstance(wrong, FmloadError)
    assert wrong.code is Exit.USAGE
    assert "did you mean recommendation?" in str(wrong)
    assert "did you mean ai?" in str(wrong)
    fine = _report(run, "--summary", "none", "--threshold", "ttft{query=recommendation,outcome=ok}:p(50)<1m")
    assert fine.exit_code == 0


@pytest.mark.parametrize(
    ("section", "value"), [("mix", "none"), ("judge", []), ("load", 3), ("prices", ["a"]), ("mix", [{"name": "x"}])]
)
def test_a_manifest_that_was_edited_is_no_fault_of_fmloads(tmp_path, section, value):
    """104, which file, and what to do; not a crash."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["scenario"][section] = value
    (run / "manifest.json").write_text(json.dumps(manifest))
    wrong = _report(run, "--summary", "none").exception
    assert isinstance(wrong, FmloadError)
    assert wrong.code is Exit.INPUT
    assert "manifest.json" in wrong.message
    assert wrong.remedy
