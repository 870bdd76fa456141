"""Searches of targets whose capacity is known, by real processes; the truth is what the target's own log shows."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.calibration

SERVER = Path(__file__).with_name("capacity_server.py")
PRECISION = 0.05
#: The truth server's own name for its model, and what its answers cost: enough for every figure to be told apart.
PRICES = "prices: {truth-1: {input: 100, output: 500}}\n"
SCENARIO = PRICES + "model: truth-1\n"
ONE_QUESTION = """
model: anthropic.claude-3-haiku-20240307-v1:0
mix: {greeting: {share: 1.0, prompts: ["Hello!"]}}
"""
ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


@contextlib.contextmanager
def process(*command):
    """A target that says its first line when it is there, and ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True
    ) as target:
        try:
            yield target.stdout.readline()
            target.stdin.close()
            target.wait(timeout=20)
        finally:
            target.kill()


def found_at(tmp_path, target, scenario, *args):
    """What search.json says, with the exit code."""
    (tmp_path / "scenario.yaml").write_text(scenario)
    flags = ("-f", "scenario.yaml", "--precision", f"{PRECISION}", "--timeout", "5s", "--workers", "1")
    flags += ("--json", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "search", *([target] if target else []), *flags, "--yes", *args],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode


def search(tmp_path, *args, **script):
    """What is found at the capacity server with this script, the exit code, and its log."""
    log = tmp_path / "truth.ndjson"
    with process(SERVER, json.dumps(script), log) as port:
        found, code = found_at(tmp_path, f"http://127.0.0.1:{int(port)}", SCENARIO, "--protocol", "rest", *args)
    return found, code, [json.loads(line) for line in log.read_text().splitlines()]


def billed_usd(log):
    """What the target's own log says was used, at the stated prices."""
    used = [entry["usage"] for entry in log if "usage" in entry]
    inputs = sum(one["input_tokens"] for one in used)
    return (Decimal(100) * inputs + Decimal(500) * sum(one["output_tokens"] for one in used)) / 1_000_000


def let_in_per_s(log):
    """What a bucket let in a second while it was empty: from each refusal to the next within a quarter of a second."""
    log = sorted(log, key=lambda entry: entry["arrived_ns"])
    refused = [place for place, entry in enumerate(log) if entry["outcome"] == "throttled"]
    spans = [(a, b, log[b]["arrived_ns"] - log[a]["arrived_ns"]) for a, b in pairwise(refused)]
    empty = [(b - a - 1, length_ns) for a, b, length_ns in spans if length_ns < 0.25e9]
    return sum(count for count, _ in empty) / sum(length_ns for _, length_ns in empty) * 1e9


def slots_per_s(log, slots, begins, ends):
    """What so many slots take a second, by their own log: slots / mean time that one was held by who waited for it.

    Who waits gets the slot of the one that ended so many places before, and holds it from then to its own end.
    """
    log = sorted((entry for entry in log if entry.get(ends)), key=lambda entry: entry[ends])
    pairs = zip(log, log[slots:], strict=False)
    held_ns = [one[ends] - freed[ends] for freed, one in pairs if one[begins] < freed[ends]]
    assert len(held_ns) > slots
    return slots / (sum(held_ns) / len(held_ns)) * 1e9


@contextlib.contextmanager
def emulator(tmp_path, slots, time_scale):
    """The Bedrock emulator with so many slots of each model and no quota: its URL, and where its log goes."""
    (tmp_path / "target.yaml").write_text(f"bedrock: {{slots: {slots}}}\n")
    flags = ("--port", "0", "--bedrock-port", "0", "--config", "target.yaml", "--tokens-per-minute", "0")
    with subprocess.Popen(
        [sys.executable, "-m", "loadtester", "serve", *flags, "--time-scale", f"{time_scale}", "--log", "logs"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        try:
            assert served.stdout.readline()
            url = served.stdout.readline().split()[-1]
            (logs,) = (tmp_path / "logs").iterdir()
            yield url, logs / "bedrock.ndjson"
            served.send_signal(signal.SIGINT)
            served.wait(timeout=20)
        finally:
            served.kill()


def asked(path):
    """The emulator's log of answers: what only counted tokens is left out."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry for entry in entries if entry["operation"] == "converse-stream"]


def tokens_of_one(log):
    """What a call was charged for, on average."""
    used = [entry["input_tokens"] + entry["output_tokens"] for entry in log if entry["outcome"] == "ok"]
    return sum(used) / len(used)


def emulated_usd(log):
    """What was used by the emulator's log, at the price of Claude 3 Haiku."""
    used = [entry for entry in log if entry["outcome"] != "throttled"]
    inputs, outputs = (sum(entry[name] or 0 for entry in used) for name in ("input_tokens", "output_tokens"))
    return (Decimal("0.25") * inputs + Decimal("1.25") * outputs) / 1_000_000


def require_truth(found, code, truth_per_s, knee):
    """It was found, within 5 % of the truth, with its knee; a machine that was too busy to tell says so here (111)."""
    answer = found["answer"]
    assert (code, answer["ending"]) == (0, "found"), answer["said"] or found
    assert abs(answer["highest_passing_per_s"] / truth_per_s - 1) <= PRECISION, (truth_per_s, found)
    assert answer["lowest_failing_per_s"] <= answer["highest_passing_per_s"] * (1 + PRECISION + 1e-9)
    assert answer["knee"] == knee


def test_the_rate_of_a_quota_is_found_behind_its_full_bucket(tmp_path):
    """What the bucket lets in while it is empty, and 2 % more by the goal: not a burst more."""
    found, code, log = search(
        tmp_path, "--arrivals", "uniform", "--from", "90/s", "--to", "360/s", "--step-time", "1s",
        "--goal", "sla>=98%", service_s=0.02, bucket_per_s=120, bucket_depth=120,
    )  # fmt: skip
    truth_per_s = let_in_per_s(log)
    assert truth_per_s == pytest.approx(120, rel=0.03)
    require_truth(found, code, truth_per_s / 0.98, "quota")
    assert found["answer"]["quota_lets_in_per_s"] == pytest.approx(truth_per_s, rel=PRECISION)
    planned = sum(
        json.loads((tmp_path / "reports" / found["id"] / step["run"] / "manifest.json").read_text())["plan"]["requests"]
        for step in found["steps"]
    )
    assert len(log) == planned


def test_the_rate_of_a_service_is_found_by_its_latency(tmp_path):
    """Twenty slots of 0.1 s make 200/s, and by the server's own log, where requests wait, they do."""
    found, code, log = search(
        tmp_path, "--arrivals", "uniform", "--from", "170/s", "--to", "235/s", "--step-time", "2.5s",
        "--goal", "sla>=95%", "--slo", "0.15s", service_s=0.1, slots=20,
    )  # fmt: skip
    truth_per_s = slots_per_s(log, 20, "arrived_ns", "replied_ns")
    assert truth_per_s == pytest.approx(20 / 0.1, rel=0.02)
    require_truth(found, code, truth_per_s, "latency")


def test_the_rate_of_the_emulators_slots_is_found(tmp_path):
    """Each question is the same, so each answer takes as long; what the slots take is in the emulator's log."""
    with emulator(tmp_path, slots=16, time_scale=0.2) as (url, log):
        found, code = found_at(
            tmp_path, "bedrock:us-east-1", ONE_QUESTION, "--endpoint-url", url, "--arrivals", "uniform",
            "--from", "80/s", "--to", "118/s", "--step-time", "2s", "--goal", "latency:p(95)<0.3s",
        )  # fmt: skip
    require_truth(found, code, slots_per_s(asked(log), 16, "arrived_ns", "ended_ns"), "latency")


def test_the_rate_of_the_emulators_stated_quota_is_found_behind_a_minutes_full_bucket(tmp_path):
    """Climbing steps pass out of the bucket; a surge empties it; the bill is the log's, within the budget."""
    found, code = found_at(
        tmp_path, None, ONE_QUESTION, "--protocol", "bedrock", "--time-scale", "0", "--tokens-per-minute", "168000",
        "--arrivals", "uniform", "--from", "38/s", "--to", "240/s", "--step-time", "2s", "--goal", "sla>=98%",
        "--max-cost", "2",
    )  # fmt: skip
    log = asked(tmp_path / "reports" / found["id"] / "target" / "bedrock.ndjson")
    truth_per_s = let_in_per_s(log)
    assert truth_per_s == pytest.approx(168_000 / 60 / tokens_of_one(log), rel=0.03)
    require_truth(found, code, truth_per_s / 0.98, "quota")
    assert found["answer"]["quota_allows_per_s"] == pytest.approx(truth_per_s, rel=0.03)
    assert any(step["verdict"] != "fail" and step["rate_per_s"] > 1.5 * truth_per_s for step in found["steps"])
    assert emulated_usd(log) <= Decimal(found["spent_usd"]) <= 2


def test_the_whole_search_keeps_to_its_budget(tmp_path):
    """The target's log, at the stated prices, is the bill: never over --max-cost, and code 112 as that ended it."""
    found, code, log = search(
        tmp_path, "--from", "20/s", "--to", "400/s", "--step-time", "2s", "--max-cost", "5", service_s=0.02
    )
    assert (code, found["answer"]["ending"]) == (112, "budget"), found["answer"]["said"] or found
    assert billed_usd(log) <= Decimal(found["spent_usd"]) <= 5
