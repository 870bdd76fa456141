"""Thresholds as a user meets them: real runs, exit codes, other limits afterwards."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
QUICK = ("--protocol", "rest", "-r", "30/s", "--time-scale", "0.02", "--tokens-per-minute", "0")


def fmload(*args, cwd):
    """Run fmload to its end."""
    return subprocess.run(
        [sys.executable, "-m", "loadtester", *args],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_failed_threshold_stops_the_run(tmp_path, workers):
    """Long before its end, drained, with 99 and not 105; the manifest says which threshold and when."""
    limits = ("--threshold", "latency{kind=ai}:p(50)<1ms", "--abort-on-fail", "--abort-delay", "1s")
    done = fmload(
        "run", *QUICK, "-d", "60s", "--workers", workers, *limits, "--summary", "json", "--out", "runs", cwd=tmp_path
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
    assert done.returncode == summary["run"]["exit_code"] != 0


def test_a_run_is_judged_again_by_other_limits(tmp_path):
    """From its directory alone: 0 and a table where they hold, 99 where one fails, 2 where one is none."""
    shutil.copytree(EXAMPLE, tmp_path / "run")
    kept = fmload("report", "run", "--summary", "compact", "--threshold", "latency:p(95)<1m", cwd=tmp_path)
    assert kept.returncode == 0, kept.stderr
    lines = kept.stderr.splitlines()
    assert lines[2].split() == ["threshold", "value", "95", "%", "interval", "margin", "verdict"]
    assert lines[3].startswith("latency:p(95)<1m")
    assert lines[3].endswith("pass")
    failed = fmload("report", "run", "--summary", "json", "--threshold", "sla>=99%", cwd=tmp_path)
    assert failed.returncode == 99
    assert json.loads(failed.stdout)["thresholds"][0]["verdict"] == "fail"
    wrong = fmload("report", "run", "--threshold", "latensy:p95<3s", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean latency?" in wrong.stderr
    assert "did you mean p(95)?" in wrong.stderr
