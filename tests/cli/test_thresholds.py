"""Thresholds as a user meets them: a run that one stops, exit codes, other limits afterwards."""

import json
import shutil
from pathlib import Path

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
    assert lines[2].split() == ["threshold", "value", "95", "%", "interval", "margin", "verdict"]
    assert lines[3].startswith("latency:p(95)<1m")
    assert lines[3].endswith("pass")
    failed = _report(run, "--summary", "json", "--threshold", "sla>=99%")
    assert failed.exit_code == Exit.THRESHOLD
    assert json.loads(failed.stdout)["thresholds"][0]["verdict"] == "fail"
    wrong = _report(run, "--threshold", "latensy:p95<3s").exception
    assert isinstance(wrong, FmloadError)
    assert wrong.code is Exit.USAGE
    assert "did you mean latency?" in str(wrong)
    assert "did you mean p(95)?" in str(wrong)
