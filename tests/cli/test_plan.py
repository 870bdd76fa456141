"""`fmload plan` as a person runs it."""

import json
import os
import subprocess
import sys


def _fmload(*args, cwd, **env):
    return subprocess.run(
        [sys.executable, "-m", "loadtester", *args],
        cwd=cwd,
        env={**os.environ, "HOME": str(cwd), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_plan_is_printed_and_nothing_is_left_behind(tmp_path):
    """The page goes to stdout with code 0; no run directory is made, no target started."""
    done = _fmload("plan", "-f", "spike", "-r", "3/s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "spike: spike, 1,008 requests in 120 s" in done.stdout
    assert "load.rate_per_s: command line --rate" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_is_a_plan(tmp_path):
    """`run --dry-run` prints what `plan` prints, as a page and as JSON."""
    flags = ("-n", "40", "-d", "10s")
    for plan, run in (((), ()), (("--json",), ("--summary", "json"))):
        planned = _fmload("plan", *flags, *plan, cwd=tmp_path)
        dry = _fmload("run", "--dry-run", *flags, *run, cwd=tmp_path)
        assert (planned.returncode, dry.returncode) == (0, 0), planned.stderr + dry.stderr
        assert planned.stdout == dry.stdout != ""
    assert json.loads(planned.stdout)["total"]["requests"] == 40
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_104(tmp_path):
    """No price, no prediction: the message names near models and how to state a price."""
    done = _fmload("plan", "--model", "anthropic.claude-3-hiku", cwd=tmp_path)
    assert done.returncode == 104
    assert "claude-3-haiku" in done.stderr
    assert done.stdout == ""


def test_wrong_figures_are_usage_errors(tmp_path):
    """A rate of 0 and a scenario that isn't there are refused as `run` refuses them."""
    assert _fmload("plan", "-r", "0/s", cwd=tmp_path).returncode == 2
    assert _fmload("plan", "-f", "spikes", cwd=tmp_path).returncode == 2


def test_bounds_are_kept_to_as_a_run_keeps_to_them(tmp_path):
    """A busiest second over --max-rate is refused with code 2, also of --dry-run; --max-requests cuts the plan."""
    for verb in (("plan",), ("run", "--dry-run")):
        done = _fmload(*verb, "-r", "20/s", "-d", "10s", "--max-rate", "1/s", cwd=tmp_path)
        assert done.returncode == 2
        assert "--max-rate allows 1/s" in done.stderr
        assert done.stdout == ""
    cut = _fmload("plan", "-r", "20/s", "-d", "10s", "--max-requests", "30", "--json", cwd=tmp_path)
    assert json.loads(cut.stdout)["total"]["requests"] == 30


def test_a_stated_quota_of_zero_is_an_input_error(tmp_path):
    """A quota is 1 or more, or left out: 104 with the place."""
    (tmp_path / "s.yaml").write_text("target: {url: 'https://x.example'}\nquota: {tokens_per_minute: 0}\n")
    done = _fmload("plan", "-f", "s.yaml", cwd=tmp_path)
    assert done.returncode == 104
    assert "quota.tokens_per_minute" in done.stderr


def test_secrets_are_not_shown(tmp_path):
    """A header's value is in neither page nor JSON."""
    for kind in ((), ("--json",)):
        done = _fmload("plan", "https://x.example/?token=hush", "-H", "Authorization: Bearer hush", *kind, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "hush" not in done.stdout + done.stderr
