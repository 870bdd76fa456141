"""What is said of a run without a summary: why its code is not 0, and what could not be written."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
#: fmload with files of so many bytes at most: what a full disk does, at a place that a test can choose.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from loadtester.cli import main
main()
"""


def _limited(most_bytes, target, cwd, rate):
    flags = ("--protocol", "rest", "-r", rate, "-d", "1s", "-q", "--summary", "none")
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(most_bytes), "run", target, *flags],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_recording_that_can_t_be_written_is_told_of_when_quiet(tmp_path, queued_target):
    """What, where, and what to do; and the code is not 0."""
    done = _limited(10_000, queued_target(), tmp_path, "600/s")
    assert done.returncode not in (0, 1)
    assert "fmload: cannot write reports/" in done.stderr
    assert "  free space there" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_report_that_can_t_be_written_is_told_of_when_quiet(tmp_path, queued_target):
    """Its code may be 0: nobody would ever know that there is no page."""
    done = _limited(100_000, queued_target(), tmp_path, "20/s")
    (run,) = tmp_path.glob("reports/*")
    assert not (run / "report.html").exists()
    assert "cannot write reports/" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sent " not in done.stderr
    assert json.loads((run / "manifest.json").read_text())["status"] == "complete"


@pytest.mark.parametrize(("summary", "is_said"), [("none", True), ("json", True), ("compact", False)])
def test_why_is_said_once(tmp_path, summary, is_said):
    """On a line of its own where there is no summary for people, which says it itself; never on stdout."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    done = CliRunner().invoke(app, ["report", str(run), "-q", "--summary", summary, "--threshold", "sla>=99%"])
    assert done.exit_code == 99
    lines = [line for line in done.stderr.splitlines() if line.startswith("fmload: threshold sla>=99% failed: ")]
    assert len(lines) == is_said
    assert "fmload: " not in done.stdout


def test_a_good_run_has_nothing_to_say(tmp_path):
    """With --quiet and no summary, 0 is silent."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    done = CliRunner().invoke(app, ["report", str(run), "-q", "--summary", "none"])
    assert (done.exit_code, done.output) == (0, "")
