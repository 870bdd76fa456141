"""`fmload search` as a person types it: what it refuses, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys

import pytest


def command(*args):
    return [sys.executable, "-m", "loadtester", "search", *args]


def fmload(*args, cwd):
    return subprocess.run(
        command(*args),
        cwd=cwd,
        env={**os.environ, "HOME": str(cwd), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from", "50/s", "--to", "5/s"), "--from"),
        (("--goal", "sal>=99%"), "did you mean sla"),
        (("--precision", "0"), "--precision"),
        (("-f", "smoke"), "users who wait for answers have no rate"),
    ],
)
def test_what_cannot_be_searched_is_a_usage_error(tmp_path, args, said):
    """Bounds the wrong way round, a goal misspelt, a closed model: code 2, and nothing is left behind."""
    done = fmload("http://127.0.0.1:1", *args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_not_there_leaves_no_search(tmp_path):
    """Code 113, as of `run`."""
    done = fmload("http://127.0.0.1:1", "--protocol", "rest", cwd=tmp_path)
    assert done.returncode == 113, done.stderr
    assert list((tmp_path / "reports").iterdir()) == []


def test_an_interrupted_search_reports_what_it_knows(tmp_path):
    """Ctrl-C once: the step drains, search.json is whole, the code is 105."""
    flags = ("--from", "5/s", "--to", "20/s", "--step-time", "3s", "--time-scale", "0.1", "--model-connections", "50")
    with subprocess.Popen(
        command(*flags, "--json"),
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while not process.stderr.readline().startswith("step  1"):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 105, stderr
    found = json.loads(stdout)
    (directory,) = (tmp_path / "reports").iterdir()
    assert found == json.loads((directory / "search.json").read_text())
    assert found["answer"]["ending"] == "interrupted"
    assert all((directory / step["run"] / "summary.json").exists() for step in found["steps"])
