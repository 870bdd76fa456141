"""Faults that the emulator was told to have, held against fmload's report of them, request by request.

The emulator's log names the fault that each request really had. Whatever the plan is and however the machine is busy,
the outcome that fmload reports for that request has to be the fault's.
"""

import csv
import gzip
import http.client
import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from types import SimpleNamespace

import pytest
from target_part import ENVIRONMENT, part

pytestmark = pytest.mark.calibration

DELAY_S = 0.4
KINDS = (
    "throttle", "unavailable", "server_error", "model_timeout", "model_not_ready", "connection_reset", "slow_start",
    "stall", "broken_stream", "stream_exception", "truncated", "wrong_language", "missing_usage", "hallucinated_title",
)  # fmt: skip
STREAM_ONLY = {"broken_stream", "stream_exception"}
#: What Bedrock's own API makes of each. Its exception that says that the stream failed is a stream broken off; the app
#: says model_error of that, as of every model that failed, and that is a server's error.
DIRECTLY = {
    None: "ok",
    "throttle": "throttled",
    "unavailable": "unavailable",
    "server_error": "server_error",
    "model_timeout": "model_timeout",
    "model_not_ready": "unavailable",
    "connection_reset": "broken",
    "slow_start": "ok",
    "stall": "ok",
    "broken_stream": "broken",
    "stream_exception": "broken",
    "truncated": "truncated",
    # What an answer says is not looked at: that is for validators, which fmload has none of yet.
    "wrong_language": "ok",
    "missing_usage": "ok",
    "hallucinated_title": "ok",
}
BROKEN = dict.fromkeys(("connection_reset", "broken_stream", "stream_exception"), "server_error")
THROUGH_THE_APP = {**DIRECTLY, **BROKEN}


def stats(url):
    """The emulator's own counts."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", "/_stats", headers={"Authorization": "Bearer t"})
        return json.loads(connection.getresponse().read())


def fmload(directory, *target):
    """What `fmload run` reports: summary, and rows by request id as the target knows it."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "run", *target, "--pattern", "sustained", "-r", "120/s", "-d", "4s",
         "--summary", "json", "--quiet"],
        cwd=directory, env={**ENVIRONMENT, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    (report,) = (directory / "reports").iterdir()
    lines = gzip.decompress((report / "requests.csv.gz").read_bytes()).decode().splitlines()
    return json.loads(done.stdout), {f"r-{row['id']}": row for row in csv.DictReader(lines)}


def reached(rows):
    """Those that found a connection; one that a busy machine never opened brings the target nothing."""
    return {name: row for name, row in rows.items() if row["outcome"] != "refused"}


@pytest.fixture(scope="module", params=["converse_stream", "converse", "sse", "ws"])
def held(request, tmp_path_factory):
    """A run against the emulator, directly or through the app, and what both say of it."""
    place = tmp_path_factory.mktemp(request.param)
    plan, log = place / "faults.json", place / "bedrock.ndjson"
    faults = [{"kind": kind, "rate": 0.08, **_delay(kind)} for kind in KINDS]
    plan.write_text(json.dumps({"seed": 7, "faults": faults}))
    options = ("--tokens-per-minute=0", "--time-scale=0.02", "--admin-token=t", f"--faults={plan}", f"--log={log}")
    with part("bedrock", *options) as bedrock:
        if request.param in ("sse", "ws"):
            with part("app", f"--bedrock-url={bedrock}") as app:
                summary, rows = fmload(place, app, "--protocol", request.param)
        else:
            stream = "--stream" if request.param == "converse_stream" else "--no-stream"
            summary, rows = fmload(place, "bedrock:us-east-1", "--endpoint-url", bedrock, stream)
        injected = stats(bedrock)["faults"]
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return SimpleNamespace(
        mode=request.param,
        summary=summary,
        rows=rows,
        injected=injected,
        log=[entry for entry in entries if entry["request_id"] is not None],
        outcomes=THROUGH_THE_APP if request.param in ("sse", "ws") else DIRECTLY,
    )


def _delay(kind):
    return {"delay_s": DELAY_S} if kind in ("slow_start", "stall") else {}


def _with(held, kind):
    """Rows of the requests that had this fault, each with its line of the log."""
    return [(held.rows[entry["request_id"]], entry) for entry in held.log if entry["fault"] == kind]


def test_every_fault_was_there(held):
    """The plan has befallen some requests with each kind that they can have, and the emulator's two accounts agree."""
    wanted = set(KINDS) - (STREAM_ONLY if held.mode == "converse" else set())
    assert set(held.injected) == wanted
    assert Counter(entry["fault"] for entry in held.log if entry["fault"]) == held.injected


def test_each_request_reached_the_model_once(held):
    """No request is sent again, whatever became of it: what is reported of it is what was done to it."""
    assert len(held.rows) == held.summary["funnel"]["sent"]
    assert sorted(entry["request_id"] for entry in held.log) == sorted(reached(held.rows))


def test_each_fault_is_reported_as_what_it_is(held):
    """Kind by kind and request by request, the outcome is the fault's; what had none is ok."""
    reported = {entry["request_id"]: held.rows[entry["request_id"]]["outcome"] for entry in held.log}
    really = {entry["request_id"]: _really(held, entry) for entry in held.log}
    assert reported == really
    totals = {name: count for name, count in held.summary["funnel"].items() if name in set(really.values())}
    assert totals == Counter(really.values())


def _really(held, entry):
    """An answer may also end at max_tokens on its own, and the log says so."""
    outcome = held.outcomes[entry["fault"]]
    return "truncated" if outcome == "ok" and entry["stop_reason"] == "max_tokens" else outcome


def test_delays_are_measured(held):
    """A slow start is in the first token and a stall in the gaps; nothing is reported as quicker than it was."""
    for row, _ in _with(held, "slow_start"):
        assert int(row["first_ns"]) - int(row["sent_ns"]) >= DELAY_S * 1e9
    for row, _ in _with(held, "stall"):
        assert int(row["done_ns"]) - int(row["sent_ns"]) >= DELAY_S * 1e9
    if held.mode != "converse":  # which has no gaps
        # A piece that a busy machine brings late makes the gap after it shorter.
        assert held.summary["itl_s"]["max"] >= DELAY_S / 2
    for entry in held.log:
        row = held.rows[entry["request_id"]]
        assert int(row["done_ns"]) - int(row["sent_ns"]) >= _logged_ns(entry)


def _logged_ns(entry):
    """How long the emulator had the request, as far as the client must have waited for it."""
    return entry["ended_ns"] - entry["arrived_ns"] if entry["outcome"] == "ok" else 0


def test_both_accounts_fit_one_clock(held):
    """There is one offset of clocks with which no request arrives before it was sent or ends after it was done."""
    pairs = [(held.rows[entry["request_id"]], entry) for entry in held.log if entry["outcome"] == "ok"]
    latest = min(entry["arrived_ns"] - int(row["sent_ns"]) for row, entry in pairs)
    earliest = max(entry["ended_ns"] - int(row["done_ns"]) for row, entry in pairs)
    assert earliest <= latest


def test_tokens_are_the_model_s_and_a_missing_usage_shows(held):
    """Ok answers have the tokens of the log to the last one; where the model told none they are marked as estimated."""
    for entry in held.log:
        row = held.rows[entry["request_id"]]
        if row["outcome"] in ("ok", "truncated") and entry["fault"] != "missing_usage":
            assert (row["input_tokens"], row["output_tokens"], row["tokens_estimated"]) == (
                str(entry["input_tokens"]),
                str(entry["output_tokens"]),
                "0",
            )
    for row, _ in _with(held, "missing_usage"):
        assert row["tokens_estimated"] == "1"
        assert int(row["output_tokens"]) > 0


def test_the_split_says_where_the_time_went(held):
    """Model and network, and through the app the app, are all the time; each ok answer is in it, the slow ones too."""
    split = held.summary["split"]
    model = split["stages"]["model"]
    parts = [part for part in (split["app"], model, split["network"]) if part is not None]
    assert (split["app"] is not None) == (held.mode in ("sse", "ws"))
    assert sum(part["share"] for part in parts) == pytest.approx(1.0, abs=0.01)
    assert model["time_s"]["count"] == held.summary["funnel"]["ok"]
    # The longest that the model took had a delay in it; histograms are exact to three digits.
    assert model["time_s"]["max"] >= DELAY_S * 0.999


@pytest.fixture(scope="module")
def fallen_back(tmp_path_factory):
    """A run over a service with fallbacks and a cache, whose first choice of model is mostly not there."""
    place = tmp_path_factory.mktemp("full")
    config, log = place / "app.json", place / "app.ndjson"
    config.write_text(json.dumps({"cache": {"exact": True}, "gateway": {"fallback": {"enabled": True}}}))
    plan = place / "faults.json"
    faults = [{"kind": "unavailable", "rate": 0.7, "models": ["anthropic.claude-3-sonnet-20240229-v1:0"]}]
    plan.write_text(json.dumps({"faults": faults}))
    with (
        part("bedrock", "--tokens-per-minute=0", "--time-scale=0.02", f"--faults={plan}") as bedrock,
        part("app", f"--bedrock-url={bedrock}", f"--config={config}", f"--log={log}") as app,
    ):
        summary, rows = fmload(place, app, "--protocol", "ws")
    return SimpleNamespace(
        summary=summary,
        rows=rows,
        log={line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())},
    )


def test_each_answer_is_by_whom_the_service_says(fallen_back):
    """The model that really answered and the layer of the cache that had the answer, request by request."""
    answered = {name: row for name, row in fallen_back.rows.items() if row["outcome"] in ("ok", "truncated")}
    assert len(answered) == len(fallen_back.rows)
    reported = {name: (row["answered_by"], row["cache"]) for name, row in answered.items()}
    assert reported == {name: (line["model"], line.get("cache", "")) for name, line in fallen_back.log.items()}


def test_fallbacks_and_hits_add_up(fallen_back):
    """Both are there, as often as the service's own log has them."""
    pairs = Counter(
        (row["model"], fallen_back.log[name]["model"])
        for name, row in fallen_back.rows.items()
        if row["model"] != fallen_back.log[name]["model"]
    )
    found = fallen_back.summary["fallbacks"]
    assert {(item["asked"], item["answered_by"]): item["count"] for item in found} == pairs != {}
    hits = sum(
        fallen_back.log[name].get("cache") == "exact"
        for name, row in fallen_back.rows.items()
        if row["outcome"] == "ok"
    )
    assert fallen_back.summary["cache"] == {
        "exact": hits,
        "semantic": 0,
        "rate": hits / fallen_back.summary["funnel"]["ok"],
    }
    assert hits > 0
