"""`fmload plan` as a person runs it."""

import json
import os
import subprocess
import sys

import pytest


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


def test_a_quota_request_of_a_plan(tmp_path):
    """Markdown with each model's need, that says that nothing was measured; of a run that is sent it is refused."""
    done = _fmload("plan", "-r", "5/s", "-d", "60s", "--quota-request", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "# Request for more Amazon Bedrock quota" in done.stdout
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| anthropic.")]
    rpm = [int(row[1].replace(",", "")) for row in rows]
    # A million messages a day are 694.4 a minute; each model's are rounded up.
    assert len(rpm) == 2
    assert 695 <= sum(rpm) <= 696
    assert "not measured" in done.stdout
    refused = _fmload("run", "--quota-request", cwd=tmp_path)
    assert (refused.returncode, "--dry-run" in refused.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_prices_of_ones_own(tmp_path):
    """A file's prices, by any name of a model, are what the plan reckons with; a price of another unit is warned of."""
    file = tmp_path / "prices.yaml"
    file.write_text(
        "us.anthropic.claude-3-haiku-20240307-v1:0: {input: 250, output: 1250}\nmy-own: {input: 1, output: 2}\n"
    )
    flags = ("-n", "40", "-d", "10s", "--json")
    usd = []
    for prices in ((), ("--prices", str(file))):
        done = _fmload("plan", *flags, *prices, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        models = json.loads(done.stdout)["by_model"]
        usd.append(float(models["anthropic.claude-3-haiku-20240307-v1:0"]["usd"]["mean"]))
    assert usd[1] / usd[0] == pytest.approx(1000, rel=0.01)
    assert "1,000 times above" in done.stderr
    file.write_text("haiku: {input: -1}")
    assert _fmload("plan", "--prices", str(file), cwd=tmp_path).returncode == 104
