"""Limits inferred from runs of the emulator whose quotas are known, and the verdict on what each run met."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.calibration

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
#: The clock of answers is ten times faster, that of the quota is not.
FLAGS = ("--protocol", "bedrock", "-d", "6s", "--time-scale", "0.1", "--max-tokens", "512", "--slo", "1s")


def run(*args, cwd, **env):
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "run", *FLAGS, *args, "--summary", "json", "--quiet"],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("window", "limit"), [("bucket", 20_000), ("minute", 10_000)])
def test_the_inferred_interval_holds_the_true_limit(tmp_path, window, limit):
    """Neither the run's report nor what it is inferred from knows the limit; it is inside the interval, and named."""
    summary = run("-r", "100/s", "--tokens-per-minute", str(limit), cwd=tmp_path, FMLOAD_BUNDLED_WINDOW=window)
    quota = summary["quota"]
    assert quota["met"] in ("quota", "both")
    one = quota["by_model"][HAIKU]
    assert one["throttled"] == summary["by"]["model"][HAIKU]["funnel"]["throttled"] > 0
    assert one["offered"] == one["admitted"] + one["throttled"]
    found = one["inferred"]
    assert found["low"] <= limit <= found["high"], found
    assert found["unit"] == "tokens"
    assert found["window"] in (window, None)
    assert found["explained"] > 0.9
    # A bucket is known closely; of a minute, where the clock stood is not known, and a turn of it may be in the run.
    assert window == "minute" or found["high"] - found["low"] < 0.05 * limit
    assert summary["predicted"]["throttle_rate"]["measured"] == summary["rates"]["throttle_rate"]
    assert "throttled" in {advice["code"] for advice in summary["advice"]}
