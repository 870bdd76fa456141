"""`fmload doctor` as a person runs it."""

import json
import os
import subprocess
import sys

import pytest


def _doctor(*args, cwd, **env):
    return subprocess.run(
        [sys.executable, "-m", "loadtester", "doctor", *args],
        cwd=cwd,
        env={**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), "HOME": str(cwd), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _levels(stdout):
    return [line.split()[0] for line in stdout.splitlines() if line[:1].isalpha()]


def test_each_line_has_its_level(tmp_path):
    """Eight lines of ok, warn or fail; a failure, and nothing else, is exit code 99."""
    done = _doctor(cwd=tmp_path)
    levels = _levels(done.stdout)
    assert len(levels) == 8
    assert set(levels) <= {"ok", "warn", "fail"}
    assert done.returncode == (99 if "fail" in levels else 0), done.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_output_directory_that_can_not_be_written_fails(tmp_path):
    """99, with what to do; also where FMLOAD_OUT names it."""
    (tmp_path / "file").write_text("")
    for done in (
        _doctor("--out", "file/reports", cwd=tmp_path),
        _doctor(cwd=tmp_path, FMLOAD_OUT="file/reports"),
    ):
        assert done.returncode == 99
        assert "--out DIR" in done.stdout
        assert "fail disk" in done.stdout


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no XDG_CACHE_HOME")
def test_a_calibration_is_printed_kept_and_quoted(tmp_path):
    """The figures go to stdout and into the cache; without --calibrate the last ones are shown again."""
    measured = _doctor("--calibrate", cwd=tmp_path)
    assert measured.returncode in (0, 99), measured.stderr
    kept = json.loads((tmp_path / "cache" / "fmload" / "calibration.json").read_text())
    assert f"{kept['max_per_s']:,.0f}/s" in measured.stdout
    assert [step["rate_per_s"] for step in kept["steps"]] == [200, 1000, 3000]
    again = _doctor(cwd=tmp_path)
    assert f"measured {kept['measured_at']}" in again.stdout
    assert f"{kept['max_per_s']:,.0f}/s" in again.stdout
