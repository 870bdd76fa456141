"""Searches of targets whose capacity is known, by real processes; the target's own log says what was asked of it."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.calibration

SERVER = Path(__file__).with_name("capacity_server.py")
PRECISION = 0.05
#: The truth server's own name for its model, and what its answers cost: enough for every figure to be told apart.
PRICES = "prices: {truth-1: {input: 100, output: 500}}\n"


def search(tmp_path, *args, **script):
    """What search.json says, the exit code, and the log of a target with this script."""
    log = tmp_path / "truth.ndjson"
    (tmp_path / "scenario.yaml").write_text(PRICES)
    with subprocess.Popen(
        [sys.executable, SERVER, json.dumps(script), log], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "loadtester",
                    "search",
                    f"http://127.0.0.1:{int(server.stdout.readline())}",
                    "--protocol",
                    "rest",
                    "--model",
                    "truth-1",
                    "-f",
                    "scenario.yaml",
                    "--precision",
                    f"{PRECISION}",
                    "--timeout",
                    "5s",
                    "--json",
                    "--quiet",
                    *args,
                ],
                cwd=tmp_path,
                env={**os.environ, "NO_COLOR": "1"},
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
        finally:
            server.stdin.close()
            server.wait(timeout=10)
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode, [json.loads(line) for line in log.read_text().splitlines()]


def billed_usd(log):
    """What the target's own log says was used, at the stated prices."""
    used = [entry["usage"] for entry in log if "usage" in entry]
    inputs = sum(one["input_tokens"] for one in used)
    return (Decimal(100) * inputs + Decimal(500) * sum(one["output_tokens"] for one in used)) / 1_000_000


def require_truth(found, code, truth_per_s):
    """The answer is within 5 % of the truth; where the machine was too busy to tell, it says so and claims no more."""
    answer = found["answer"]
    passed, failed = answer["highest_passing_per_s"], answer["lowest_failing_per_s"]
    if code == 111:
        assert answer["ending"] == "generator"
        assert [step["verdict"] for step in found["steps"][-3:]] == ["invalid"] * 3
        assert passed is None or passed < truth_per_s * (1 + PRECISION)
        assert failed is None or failed > truth_per_s * (1 - PRECISION)
        return
    assert (code, answer["ending"]) == (0, "found"), found
    assert truth_per_s * (1 - PRECISION) <= passed <= truth_per_s * (1 + PRECISION), found


def test_the_rate_of_a_quota_is_found_behind_its_full_bucket(tmp_path):
    """100 requests/s out of a bucket of six seconds: an SLA of 99 % holds up to 100 / 0.99, not a burst more."""
    found, code, log = search(
        tmp_path,
        "--from",
        "50/s",
        "--to",
        "400/s",
        "--step-time",
        "4s",
        service_s=0.02,
        bucket_per_s=100,
        bucket_depth=600,
    )
    require_truth(found, code, 100 / 0.99)
    if code == 0:
        assert found["answer"]["knee"] == "quota"
        assert found["answer"]["quota_lets_in_per_s"] == pytest.approx(100, rel=0.1)
    sent = sum(len(entry["asked"]) > 0 for entry in log)
    planned = sum(
        json.loads((tmp_path / "reports" / found["id"] / step["run"] / "manifest.json").read_text())["plan"]["requests"]
        for step in found["steps"]
    )
    assert sent == planned


def test_the_rate_of_a_service_is_found_by_its_latency(tmp_path):
    """Twenty slots of 0.2 s make 100/s, of which waits as of M/D/c leave 97 % (see tests/analysis/test_search.py)."""
    found, code, _ = search(
        tmp_path, "--from", "50/s", "--to", "400/s", "--step-time", "6s", "--slo", "1s", service_s=0.2, slots=20
    )
    require_truth(found, code, 100 * (1 - 4.605 / (2 * 20 * 0.8 / 0.2)))
    if code == 0:
        assert found["answer"]["knee"] == "latency"


def test_the_whole_search_keeps_to_its_budget(tmp_path):
    """The target's log, at the stated prices, is the bill: never over --max-cost, and code 112 where that ended it."""
    found, code, log = search(
        tmp_path, "--from", "20/s", "--to", "400/s", "--step-time", "2s", "--max-cost", "5", service_s=0.02
    )
    assert billed_usd(log) <= Decimal(found["spent_usd"]) <= 5
    assert code in (111, 112)
    if code == 112:
        assert found["answer"]["ending"] == "budget"
