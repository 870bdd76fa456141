"""Predictions held against reality: what `fmload plan` says of a run, and what the same run then measures.

Which requests are sent is settled by the seed, but how long the emulator's answers become is not known to the planner.
Answers of at most 512 tokens keep the spread of the bill of some 310 paid answers near 0.7 % (one standard deviation),
so that 3 % is four of them.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from loadtester.fleet import plan_of
from loadtester.plan.asked import asked
from loadtester.plan.service import quota_of, service_of
from loadtester.plan.simulation import Simulation, draw
from loadtester.scenario import resolve

pytestmark = pytest.mark.calibration

#: Everything but the pattern; the clock of answers is ten times faster, that of the quota is not.
FLAGS = (
    "-d", "7s", "--time-scale", "0.1", "--max-tokens", "512", "--tokens-per-minute", "70000", "--protocol", "rest",
    "--slo", "1s",
)  # fmt: skip


def fmload(*args, cwd, **env):
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", *args],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("pattern", "rate"),
    [("sustained", "70/s"), ("ramp", "140/s"), ("burst", "70/s"), ("spike", "25/s"), ("production", "70/s")],
)
def test_throttles_and_bill_are_as_predicted(tmp_path, pattern, rate):
    """Throttle rate within 2 percentage points, cost within 3 %, requests to the last one."""
    args = ("--pattern", pattern, "-r", rate, *FLAGS)
    plan = fmload("plan", *args, "--json", cwd=tmp_path)
    real = fmload("run", *args, "--summary", "json", "--quiet", cwd=tmp_path)
    assert real["validity"]["verdict"] == "valid"
    assert plan["total"]["requests"] == real["funnel"]["planned"] == real["funnel"]["sent"]
    assert real["rates"]["throttle_rate"] > 0.1
    assert plan["total"]["throttle_rate"]["mean"] == pytest.approx(real["rates"]["throttle_rate"], abs=0.02)
    predicted, paid = (Decimal(str(usd)) for usd in (plan["total"]["usd"]["mean"], real["cost_usd"]["run"]))
    assert abs(predicted / paid - 1) < Decimal("0.03")


def _phase_s(directory):
    """How far the emulator's minute had come when the run began: its clock is the machine's monotonic one."""
    (run,) = (directory / "reports").iterdir()
    started_at = datetime.fromisoformat(json.loads((run / "manifest.json").read_text())["started_at"])
    return (time.monotonic() - (datetime.now(UTC) - started_at).total_seconds()) % 60.0


def test_a_fixed_minute_is_as_predicted(tmp_path):
    """With a minute of the clock the same holds; where in its minute the clock stood is all the planner is told."""
    args = ("--pattern", "sustained", "-r", "70/s", *FLAGS, "-d", "5s")
    real = fmload("run", *args, "--summary", "json", "--quiet", cwd=tmp_path, FMLOAD_BUNDLED_WINDOW="minute")
    phase_s = _phase_s(tmp_path)
    assert real["validity"]["verdict"] == "valid"
    scenario = resolve(
        {
            "load.pattern": "sustained", "load.rate": "70/s", "load.duration": "5s", "bundled.time_scale": 0.1,
            "bundled.tokens_per_minute": 70_000, "bundled.window": "minute", "max_tokens": 512,
            "target.protocol": "rest",
        },
        file=None,
        environ={},
    )  # fmt: skip
    asks = asked(scenario, plan_of(scenario))
    rates = [
        Simulation(
            asks,
            replace(draw(asks, np.random.default_rng(seed)), phase_s=phase_s),
            service_of(scenario),
            quota_of(scenario),
            timeout_s=30.0,
        ).course().is_refused.mean()
        for seed in range(20)
    ]  # fmt: skip
    assert real["rates"]["throttle_rate"] > 0.1
    assert np.mean(rates) == pytest.approx(real["rates"]["throttle_rate"], abs=0.02)
