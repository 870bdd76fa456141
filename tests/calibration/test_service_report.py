"""What a service does beside answering, held against fmload's report of it: failed stores, wrong and repaired answers.

The service's log, its counters and the emulator's log are the truth, to the request and to the token.
"""

import csv
import gzip
import http.client
import json
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from types import SimpleNamespace

import pytest
from target_part import ENVIRONMENT, part

from loadtester.cost import price_table
from loadtester.model import Usage

pytestmark = pytest.mark.calibration

TOKEN = "0123456789abcdef"
DELAY_S = 0.2


def faults_seen(url):
    """The service's own counts."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", "/admin/faults", headers={"Authorization": f"Bearer {TOKEN}"})
        return json.loads(connection.getresponse().read())


def run_against(place, config, faults=(), *, protocol="rest", rate="30/s"):
    """A run against a service of this configuration: fmload's summary and rows, the logs, the service's counts."""
    files = {name: place / name for name in ("target.json", "app.ndjson", "bedrock.ndjson", "faults.json")}
    files["target.json"].write_text(json.dumps({"admin": {"token": TOKEN}, **config}))
    files["faults.json"].write_text(json.dumps({"seed": 3, "faults": list(faults)}))
    with (
        part("bedrock", "--tokens-per-minute=0", "--time-scale=0", f"--faults={files['faults.json']}",
             f"--log={files['bedrock.ndjson']}") as bedrock,
        part("app", f"--bedrock-url={bedrock}", f"--config={files['target.json']}",
             f"--log={files['app.ndjson']}") as app,
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "loadtester", "run", app, "--protocol", protocol, "-r", rate, "-d", "4s",
             "--summary", "json", "--quiet"],
            cwd=place, env={**ENVIRONMENT, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        seen = faults_seen(app)
    (report,) = (place / "reports").iterdir()
    lines = gzip.decompress((report / "requests.csv.gz").read_bytes()).decode().splitlines()
    return SimpleNamespace(
        place=report,
        summary=json.loads(done.stdout),
        rows={f"r-{row['id']}": row for row in csv.DictReader(lines)},
        app={line["request_id"]: line for line in map(json.loads, files["app.ndjson"].read_text().splitlines())},
        bedrock=[json.loads(line) for line in files["bedrock.ndjson"].read_text().splitlines()],
        seen=seen,
    )


def test_answers_without_a_store_are_counted_as_the_service_counts_them(tmp_path):
    """Request by request the stores that failed, and in all as many as the service's plan befell; they are still ok."""
    faults = [
        {"kind": "store_down", "stores": ["sessions"], "rate": 0.2},
        {"kind": "slow_store", "stores": ["sessions"], "rate": 0.2, "delay_s": DELAY_S},
    ]
    run = run_against(tmp_path, {"faults": {"seed": 5, "faults": faults}}, protocol="ws", rate="60/s")
    # A connection that a busy machine never opened brought the service no message; all others did, each once.
    assert run.summary["funnel"]["sent"] == len(run.rows) == 240
    assert run.rows.keys() - run.app.keys() == {n for n, row in run.rows.items() if row["outcome"] == "refused"}
    answered = {name: row["degraded"] for name, row in run.rows.items() if row["outcome"] in ("ok", "truncated")}
    assert answered == {name: "+".join(run.app[name].get("degraded", ())) for name in answered}
    befallen = sum("degraded" in line for line in run.app.values())
    assert befallen == run.seen["messages"]["store_down"] > 0
    # A machine too busy to have every answer in time leaves some of them to the service's own account.
    lost = run.app.keys() - answered.keys()
    assert run.summary["degraded"] == befallen - sum("degraded" in run.app[name] for name in lost)
    degraded = {row["outcome"] for row in run.rows.values() if row["degraded"]}
    assert degraded <= {"ok", "truncated"}
    # A slow use takes its delay at least; histograms are exact to three digits.
    assert run.seen["injected"]["slow_store"] >= run.seen["messages"]["slow_store"] > 0
    slow = run.summary["split"]["stages"]["session"]["time_s"]
    assert slow["max"] >= DELAY_S * 0.999


@pytest.fixture(scope="module")
def repaired(tmp_path_factory):
    """A service that checks its answers and asks again, over models that err in language and invent titles."""
    place = tmp_path_factory.mktemp("repaired")
    faults = [{"kind": "wrong_language", "rate": 0.25}, {"kind": "missing_usage", "rate": 0.1}]
    return run_against(place, {"validation": {"checks": ["language"], "repair": True}}, faults, protocol="rest")


def _calls(run):
    """The emulator's log of answers, by the request that they were for."""
    found = {}
    for entry in run.bedrock:
        if entry["request_id"] is not None and entry["outcome"] == "ok":
            found.setdefault(entry["request_id"], []).append(entry)
    return found


def test_repaired_answers_cost_what_the_emulator_logged(repaired):
    """Each call of the models is paid for, at its own model's price, also where its answer was not the one given."""
    prices = price_table({})
    told = {
        name: calls
        for name, calls in _calls(repaired).items()
        if all(one["fault"] != "missing_usage" for one in calls) and repaired.rows[name]["cost_usd"]
    }
    assert any(len(calls) > 1 for calls in told.values())
    for name, calls in told.items():
        usd = sum(prices.usd(one["model"], Usage(one["input_tokens"], one["output_tokens"])) for one in calls)
        assert Decimal(repaired.rows[name]["cost_usd"]) == usd


def test_a_call_whose_usage_nobody_told_is_estimated_not_left_out(repaired):
    """What was asked again after an answer without usage, or before one, is in the bill as an estimate."""
    prices = price_table({})
    unknown = {
        name: calls
        for name, calls in _calls(repaired).items()
        if len(calls) > 1 and any(one["fault"] == "missing_usage" for one in calls)
    }
    assert unknown
    for name, calls in unknown.items():
        known = sum(
            prices.usd(one["model"], Usage(one["input_tokens"], one["output_tokens"]))
            for one in calls
            if one["fault"] != "missing_usage"
        )
        assert Decimal(repaired.rows[name]["cost_usd"]) > known
    assert repaired.summary["tokens"]["estimated_answers"] > 0


def test_money_for_answers_that_were_not_given_is_told_apart(repaired):
    """In `fmload cost`, as many calls as the emulator answered beyond the first of a request."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "cost", str(repaired.place), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout)["by_outcome"] if row["group"] == "retried"]
    assert sum(row["messages"] for row in rows) == sum(len(calls) - 1 for calls in _calls(repaired).values()) > 0
    assert sum(Decimal(row["usd"]) for row in rows) > 0


def test_an_answer_given_with_a_fault_in_it_is_no_success(tmp_path):
    """What the service finds wrong and gives all the same is invalid, with the check, request by request."""
    faults = [{"kind": "wrong_language", "rate": 0.25}]
    run = run_against(tmp_path, {"validation": {"checks": ["language"]}}, faults)
    complete = {name: line for name, line in run.app.items() if line["finish_reason"] == "end_turn"}
    wrong = {name for name, line in complete.items() if line.get("validation")}
    assert wrong == {name for name, row in run.rows.items() if row["outcome"] == "invalid"} != set()
    assert {run.rows[name]["detail"] for name in wrong} == {"validation: language"}
    assert run.summary["funnel"]["invalid"] == len(wrong)
