"""The command as a person runs it: the bundled target, real processes, and what is left on the disk."""

import csv
import gzip
import http.server
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

FAST = ("--time-scale", "0.02", "--tokens-per-minute", "0")
TRACE = Path(__file__).parent.parent / "loadtester" / "schedule" / "azure_conv_excerpt.csv"


def command(*args):
    return [sys.executable, "-m", "loadtester", *args]


def fmload(*args, cwd, env=None):
    """Run fmload to its end; stdout and stderr as text."""
    return subprocess.run(
        command(*args),
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_directory(cwd):
    (directory,) = (Path(cwd) / "reports").iterdir()
    return directory


def requests_of(directory):
    text = gzip.decompress((directory / "requests.csv.gz").read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text)))


def truth_of(directory, part="bedrock"):
    return [json.loads(line) for line in (directory / "target" / f"{part}.ndjson").read_text().splitlines()]


def processes(words, cwd):
    """Processes with `words` on their command line that were started in `cwd` (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                place = (entry / "cwd").readlink()
            except OSError:
                continue
            if words in arguments and place == Path(cwd):
                found.append(int(entry.name))
    return found


def target_processes(cwd):
    return processes(b"target_app", cwd)


def wait_until(condition, limit_s=15.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def assert_funnel_adds_up(funnel):
    before = ("planned", "dropped", "cancelled", "unfinished", "sent")
    assert funnel["planned"] == sum(funnel[name] for name in before[1:])
    assert funnel["sent"] == sum(count for name, count in funnel.items() if name not in before)


@pytest.mark.parametrize("protocol", ["ws", "rest", "sse", "bedrock"])
def test_every_request_is_in_the_emulators_log_once(tmp_path, protocol):
    """Planned, the report, the requests file and the emulator's own log agree to the last request, token and cent."""
    done = fmload(
        "run", "--pattern", "spike", "-r", "10/s", "-d", "3s", "--protocol", protocol, "--summary", "json", *FAST,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    directory = run_directory(tmp_path)
    rows, truth = requests_of(directory), truth_of(directory)
    assert summary["funnel"]["planned"] == 84
    assert_funnel_adds_up(summary["funnel"])
    assert sorted(int(row["id"]) for row in rows) == list(range(84))
    assert Counter(row["outcome"] for row in rows)["ok"] == summary["funnel"]["ok"]
    asked = [entry for entry in truth if entry["operation"] != "count-tokens"]
    by_id = {entry["request_id"]: entry for entry in asked}
    assert len(by_id) == len(asked) == 84
    for row in rows:
        entry = by_id[f"r-{row['id']}"]
        assert (int(row["input_tokens"]), int(row["output_tokens"])) == (entry["input_tokens"], entry["output_tokens"])
        assert row["answered_by"] == entry["model"]
    assert not target_processes(tmp_path)


def test_throttles_are_the_emulators_own(tmp_path):
    """With a quota that is too small, the throttle count is the emulator's, and the run still ends with 0."""
    done = fmload(
        "run", "--pattern", "sustained", "-r", "20/s", "-d", "3s", "--time-scale", "0.02", "--tokens-per-minute",
        "4000", "--summary", "json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    refused = [entry for entry in truth_of(run_directory(tmp_path)) if entry["outcome"] == "throttled"]
    assert summary["funnel"]["throttled"] == len(refused) > 0
    assert summary["rates"]["throttle_rate"] == len(refused) / summary["funnel"]["sent"]
    assert any(advice["code"] == "throttled" for advice in summary["advice"])


def test_same_seed_same_requests(tmp_path):
    """Two runs with one seed plan and send the same requests in the same order; another seed does not."""

    def sequence(place, seed):
        place.mkdir()
        args = ("run", "--pattern", "production", "-r", "20/s", "-d", "2s", "--seed", seed, *FAST)
        assert fmload(*args, cwd=place).returncode == 0
        rows = sorted(requests_of(run_directory(place)), key=lambda row: int(row["id"]))
        prompts = [(e["input_tokens"]) for e in sorted(truth_of(run_directory(place)), key=lambda e: e["request_id"])]
        return [(r["due_ns"], r["query"], r["model"], r["session"], r["turn"]) for r in rows], prompts

    first = sequence(tmp_path / "a", "7")
    assert first == sequence(tmp_path / "b", "7")
    assert first[0] != sequence(tmp_path / "c", "8")[0]


def test_trace_replay_keeps_arrivals_order_and_tokens(tmp_path):
    """Every arrival of the trace is due at its time over the speed, in order, with the trace's own token counts."""
    done = fmload("run", "--trace", str(TRACE), "--speed", "20", *FAST, "--summary", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = sorted(requests_of(run_directory(tmp_path)), key=lambda row: int(row["id"]))
    with TRACE.open(newline="") as file:
        wanted = list(csv.DictReader(file))
    tokens = [(line["ContextTokens"], line["GeneratedTokens"]) for line in wanted]
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows] == tokens
    assert [(row["planned_input_tokens"], row["planned_output_tokens"]) for row in rows] == tokens
    seconds = [60 * float(line["TIMESTAMP"][14:16]) + float(line["TIMESTAMP"][17:]) for line in wanted]
    for row, at_s in zip(rows, seconds, strict=True):
        assert int(row["due_ns"]) / 1e9 == pytest.approx((at_s - seconds[0]) / 20, abs=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_once_it_drains_and_reports(tmp_path, number):
    """After one Ctrl-C or SIGTERM nothing more is sent, the report is there and says it is partial: 105."""
    process = start(tmp_path, "-r", "20/s", "-d", "60s", *FAST)
    wait_until(lambda: seconds_on_record(tmp_path) >= 1)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 105, stderr
    summary = json.loads(stdout)
    assert summary["run"]["status"] == "interrupted"
    assert summary["funnel"]["cancelled"] > 0
    assert summary["funnel"]["cancelled_in_flight"] == 0
    assert summary["funnel"]["planned"] == 1200
    assert_funnel_adds_up(summary["funnel"])
    assert not target_processes(tmp_path)


def test_stopped_twice_it_stops_now(tmp_path):
    """A second Ctrl-C cancels what is in flight; each still has its outcome."""
    process = start(tmp_path, "-r", "20/s", "-d", "60s", "--time-scale", "20", "--tokens-per-minute", "0")
    wait_until(lambda: seconds_on_record(tmp_path) >= 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 105, stderr
    funnel = json.loads(stdout)["funnel"]
    assert funnel["cancelled_in_flight"] > 0
    assert_funnel_adds_up(funnel)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_killed_it_leaves_no_process_and_can_be_read(tmp_path):
    """After kill -9 the target ends by itself, and `fmload report` makes the report of what was recorded."""
    process = start(tmp_path, "-r", "20/s", "-d", "60s", *FAST)
    wait_until(lambda: seconds_on_record(tmp_path) >= 2)
    assert len(target_processes(tmp_path)) == 2
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: not target_processes(tmp_path), limit_s=5)
    done = fmload("report", str(run_directory(tmp_path)), "--summary", "json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert summary["run"]["status"] == "running"
    assert summary["funnel"]["ok"] >= 20
    assert_funnel_adds_up(summary["funnel"])
    assert "partial" in fmload("report", str(run_directory(tmp_path)), cwd=tmp_path).stderr


def test_workers_together_are_the_plan(tmp_path):
    """Two processes send what one would: the same requests, each once, in the emulator's log and the report."""

    def sequence(workers):
        place = tmp_path / workers
        place.mkdir()
        args = ("run", "--pattern", "production", "-r", "30/s", "-d", "2s", "--workers", workers, *FAST)
        done = fmload(*args, "--summary", "json", cwd=place)
        assert done.returncode == 0, done.stderr
        rows = sorted(requests_of(run_directory(place)), key=lambda row: int(row["id"]))
        truth = Counter(entry["request_id"] for entry in truth_of(run_directory(place)))
        assert truth == {f"r-{row['id']}": 1 for row in rows}
        assert json.loads(done.stdout)["funnel"]["planned"] == len(rows) == 60
        return [(r["id"], r["due_ns"], r["query"], r["session"], r["turn"]) for r in rows], {r["worker"] for r in rows}

    (alone, one), (together, two) = sequence("1"), sequence("2")
    assert together == alone
    assert (one, two) == ({"0"}, {"0", "1"})


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_lost_worker_degrades_the_run(tmp_path):
    """A worker that is killed is not replaced: the others go on, the report says so, the exit code is 114."""
    process = start(tmp_path, "-r", "20/s", "-d", "6s", "--workers", "2", *FAST)
    wait_until(lambda: seconds_on_record(tmp_path) >= 1)
    victim = next(pid for pid in processes(b"loadtester.fleet.worker", tmp_path))
    os.kill(victim, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=30)
    summary = json.loads(stdout)
    assert process.returncode == 114, stderr
    assert summary["run"]["status"] == "degraded"
    assert 114 in summary["run"]["exit_codes"]
    assert summary["funnel"]["ok"] >= 60
    assert summary["funnel"]["planned"] == 120
    assert summary["funnel"]["unfinished"] > 0
    assert_funnel_adds_up(summary["funnel"])


def test_report_of_a_whole_run_is_the_runs_own(tmp_path):
    """Judging a run again gives the same summary, to the letter."""
    assert fmload("run", "-d", "2s", *FAST, cwd=tmp_path).returncode == 0
    directory = run_directory(tmp_path)
    first = (directory / "summary.json").read_text()
    (directory / "summary.json").unlink()
    assert fmload("report", str(directory.relative_to(tmp_path)), cwd=tmp_path).returncode == 0
    assert (directory / "summary.json").read_text() == first


def start(cwd, *args):
    return subprocess.Popen(
        command("run", "--summary", "json", *args),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seconds_on_record(cwd):
    files = list(Path(cwd).glob("reports/*/timeline.ndjson"))
    return files[0].read_text().count("\n") if files else 0


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--pattern", "spkie"), 2, ["spkie", "spike"]),
        (("-r", "-5/s"), 2, ["-5/s"]),
        (("-d", "0s"), 2, ["0s"]),
        (("--trace", "nowhere.csv"), 104, ["nowhere.csv"]),
        (("-f", "nowhere.yaml"), 104, ["nowhere.yaml"]),
        (("ws://127.0.0.1:1/ws",), 113, ["127.0.0.1"]),
        (("http://127.0.0.1:1",), 113, ["127.0.0.1"]),
        (("openai+http://127.0.0.1:1/v1", "--model", "m"), 113, ["127.0.0.1"]),
        (("-o", "taken/reports", "-d", "1s"), 104, ["taken"]),
    ],
)
def test_mistakes_get_a_message_and_a_code(tmp_path, args, code, words):
    """A mistake is said in words, with its exit code, before any load; no traceback, no run directory."""
    (tmp_path / "taken").write_text("a file")
    done = fmload("run", *args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("reports/*"))


def test_bad_trace_row_is_named_by_its_line(tmp_path):
    """An unreadable row of a trace is reported with its line number."""
    trace = tmp_path / "bad.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\nyesterday,many,44\n")
    done = fmload("run", "--trace", str(trace), cwd=tmp_path)
    assert done.returncode == 104
    assert "bad.csv" in done.stderr
    assert "3" in done.stderr


class Refusing(http.server.BaseHTTPRequestHandler):
    """Refuses every caller."""

    def do_GET(self):
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("scheme", ["http", "ws", "openai+http"])
def test_wrong_credentials_are_found_before_any_load(tmp_path, scheme):
    """A target that refuses the credentials ends the run with 113; what was refused is not shown."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"{scheme}://127.0.0.1:{server.server_port}"
        done = fmload("run", url, "-H", "Authorization: Bearer canary-4711", cwd=tmp_path)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert done.returncode == 113, done.stderr
    assert "credentials" in done.stderr
    assert "canary-4711" not in done.stderr


def test_port_in_use_is_said(tmp_path):
    """`fmload serve` on a taken port says so and ends with 113."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fmload("serve", "--port", "0", "--bedrock-port", str(port), cwd=tmp_path)
    assert done.returncode == 113
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_prints_urls_and_ends(tmp_path):
    """`fmload serve` prints both URLs once they answer, and Ctrl-C ends both processes."""
    process = subprocess.Popen(
        command("serve", "--port", "0", "--bedrock-port", "0"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert "http://127.0.0.1:" in process.stdout.readline()
    assert "http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_bundled_target_that_dies_is_named(tmp_path):
    """When a process of the bundled target dies, the run says so, is invalid, and ends with 111."""
    process = start(tmp_path, "-r", "20/s", "-d", "4s", *FAST)
    wait_until(lambda: seconds_on_record(tmp_path) >= 1)
    (app,) = processes(b"target_app app", tmp_path)
    os.kill(app, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 111, stderr
    (reason, *_) = json.loads(stdout)["validity"]["reasons"]
    assert reason["code"] == "target_ended"
    assert "signal 9" in reason["message"]


def test_what_was_given_up_is_paid_for(tmp_path):
    """Answers that timed out cost money: they are in the bill, as estimates, and in the wasted part of it."""
    args = ("-r", "10/s", "-d", "2s", "--timeout", "1s", "--tokens-per-minute", "0", "--summary", "json")
    done = fmload("run", *args, cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert summary["funnel"]["timeout"] > 0
    assert summary["cost_usd"]["wasted"] > 0
    assert summary["tokens"]["estimated_answers"] == summary["funnel"]["timeout"]
    assert "usage_missing" in {reason["code"] for reason in summary["validity"]["reasons"]}
    gone = [entry for entry in truth_of(run_directory(tmp_path)) if entry["outcome"] == "client_gone"]
    assert len(gone) == summary["funnel"]["timeout"]


CANARIES = {
    "AWS_SECRET_ACCESS_KEY": "canarySecretKey00000000000000000000000000",
    "AWS_SESSION_TOKEN": "canary-session-token",
    "OPENAI_API_KEY": "sk-canary00000000000000000000000000000000000000",
    "AWS_BEARER_TOKEN_BEDROCK": "canary-bearer-token",
}


def test_no_secret_reaches_a_file_or_the_screen(tmp_path):
    """Secrets planted in headers and the environment are in nothing that is written or printed."""
    done = fmload(
        "run", "-d", "2s", *FAST, "-H", "Authorization: Bearer canary-header", "-H", "X-Api-Key: canary-key",
        "-H", "Cookie: session=canary-cookie", "--summary", "json", cwd=tmp_path, env=CANARIES,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 5
    texts = {"stdout": done.stdout, "stderr": done.stderr}
    for path in written:
        data = path.read_bytes()
        texts[str(path)] = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace")
    for place, text in texts.items():
        assert "canary" not in text, place


def test_users_ask_the_same_whatever_the_timing(tmp_path):
    """A closed run says what it is, adds up, and with one seed asks each user's questions in one order.

    The second run has a slower target and two processes: users come less far, on the same way.
    """

    def ways(place, *more):
        place.mkdir()
        args = ("-u", "3", "--user-stage", "1s:6", "--user-stage", "2s:6", "--think-time", "50ms", "--seed", "7")
        done = fmload("run", *args, "--tokens-per-minute", "0", *more, cwd=place)
        assert done.returncode == 0, done.stderr
        directory = run_directory(place)
        manifest = json.loads((directory / "manifest.json").read_text())
        assert (manifest["model"], manifest["pattern"]) == ("closed", "users")
        assert (manifest["plan"]["requests"], manifest["plan"]["users"]) == (None, 6)
        assert "up to 6 users in 3 s" in done.stderr
        assert "latency is uncorrected" in done.stderr
        rows, truth = requests_of(directory), truth_of(directory)
        summary = json.loads((directory / "summary.json").read_text())
        assert_funnel_adds_up(summary["funnel"])
        assert summary["funnel"]["planned"] == summary["funnel"]["sent"] == len(rows)
        asked = [entry["request_id"] for entry in truth if entry["operation"] != "count-tokens"]
        assert sorted(asked) == sorted(f"r-{row['id']}" for row in rows)
        users = {}
        for row in sorted(rows, key=lambda row: int(row["due_ns"])):
            user = row["session"].split("-")[2]
            users.setdefault(user, []).append((row["session"], row["turn"], row["query"], row["model"]))
        return users

    fast = ways(tmp_path / "a", "--time-scale", "0.02", "--workers", "1")
    slow = ways(tmp_path / "b", "--time-scale", "0.2", "--workers", "2")
    assert len(fast) == len(slow) == 6
    for user, steps in fast.items():
        common = min(len(steps), len(slow[user]))
        assert common
        assert steps[:common] == slow[user][:common]
