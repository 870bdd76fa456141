"""`fmload search` as a person types it: what it refuses, how it ends, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from scipy.stats import poisson
from typer.testing import CliRunner

from loadtester.analysis.search.goal import goal_of
from loadtester.analysis.search.step import Bounds
from loadtester.cli.app import app
from loadtester.cli.search import _bounded
from loadtester.errors import Exit, FmloadError
from loadtester.scenario import resolve

QUICK = ("--protocol", "rest", "--workers", "1", "--arrivals", "uniform", "--step-time", "0.4s", "--goal", "sla>=90%")


def fmload(*args):
    return CliRunner().invoke(app, ["search", *args])


def refused(*args):
    done = fmload(*args)
    assert isinstance(done.exception, FmloadError), done.output
    return done.exception


def answer(done, tmp_path):
    """What was found, as printed and as kept."""
    found = json.loads(done.stdout)
    (directory,) = (tmp_path / "reports").iterdir()
    assert found == json.loads((directory / "search.json").read_text())
    assert found["exit_code"] == done.exit_code
    assert all((directory / step["run"] / "summary.json").exists() for step in found["steps"])
    return found


class MortalTarget(ThreadingHTTPServer):
    """Answers so many chats, then is gone: its port is closed."""

    daemon_threads = False

    def __init__(self, chats):
        super().__init__(("127.0.0.1", 0), _Chat)
        self.left, self.lock = chats, threading.Lock()

    def count(self):
        with self.lock:
            self.left -= 1
            is_last = self.left == 0
        if is_last:
            self.shutdown()
            self.socket.close()


class _Chat(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 0, "cache_write_tokens": 0}
        same = {name: asked[name] for name in ("request_id", "session_id")}
        self.say({**same, "model": "m", "finish_reason": "end_turn", "usage": usage, "answer": "yes"})
        self.server.count()

    def say(self, message):
        body = json.dumps(message).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def mortal_target():
    """Starts a target that dies after so many chats; its URL."""
    running = []

    def start(chats):
        server = MortalTarget(chats)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from", "50/s", "--to", "5/s"), "--from"),
        (("--max-rate", "5/s"), "raise --max-rate"),
        (("--goal", "sal>=99%"), "did you mean sla"),
        (("--precision", "0"), "--precision"),
        (("--arrivals", "poison"), "poisson"),
        (("-f", "smoke"), "users who wait for answers have no rate"),
    ],
)
def test_what_cannot_be_searched_is_a_usage_error(tmp_path, monkeypatch, args, said):
    """Bounds the wrong way round, a goal misspelt, a closed model: code 2, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    error = refused("http://127.0.0.1:1", *args)
    assert error.code == Exit.USAGE
    assert said in f"{error.message} {error.remedy}"
    assert list(tmp_path.iterdir()) == []


def test_consent_is_asked_for_the_worst_that_all_steps_may_cost(tmp_path, monkeypatch):
    """Ten times the steps may cost ten times as much; a budget needs no consent, and the next check is reached."""
    monkeypatch.chdir(tmp_path)
    flags = ("bedrock:us-east-1", "--from", "1/s", "--to", "50/s", "--step-time", "30s")
    few, many = (refused(*flags, "--max-steps", steps).message for steps in ("3", "30"))
    usd = [
        float(text.partition("$")[2].partition(",  ")[0].split(", more")[0].replace(",", "")) for text in (few, many)
    ]
    assert usd[1] == pytest.approx(10 * usd[0], rel=0.01)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most_per_s", [3.0, 5.0, 10.0, 20.0, 100.0, 1000.0])
def test_the_fastest_step_stays_under_the_highest_rate_but_for_one_search_in_a_hundred(most_per_s):
    """Even if all steps were the longest at that rate; not much lower either. Even gaps need no such room."""
    bounds = Bounds(goal_of("sla>=99%"), 0.01, 1e6, 0.05, 30.0, 30)
    held = _bounded(bounds, resolve({"safety.max_rate": f"{most_per_s:g}/s"}))
    seconds = 30 * 2 * 120
    assert 1 - poisson.cdf(most_per_s, held.to_per_s) ** seconds == pytest.approx(0.01, rel=1e-3)
    even = _bounded(replace(bounds, arrivals="uniform"), resolve({"safety.max_rate": f"{most_per_s + 0.5:g}/s"}))
    assert even.to_per_s == most_per_s


def test_a_target_that_is_not_there_leaves_no_search(tmp_path, monkeypatch):
    """Code 113, as of `run`."""
    monkeypatch.chdir(tmp_path)
    assert refused("http://127.0.0.1:1", "--protocol", "rest").code == Exit.UNREACHABLE
    assert list((tmp_path / "reports").iterdir()) == []


def test_the_upper_bound_that_passes_is_the_answer(tmp_path, monkeypatch, queued_target):
    """At least so much: code 0."""
    monkeypatch.chdir(tmp_path)
    done = fmload(queued_target(), *QUICK, "--from", "50/s", "--to", "100/s", "--json", "--quiet")
    found = answer(done, tmp_path)
    assert (done.exit_code, found["answer"]["ending"]) == (0, "at_least"), found["answer"]["said"]
    assert found["answer"]["highest_passing_per_s"] == 100.0
    assert found["answer"]["lowest_failing_per_s"] is None


def test_a_lower_bound_that_fails_is_a_threshold_failed(tmp_path, monkeypatch, queued_target):
    """Not even that: code 99; answers of 50 ms one after another can't keep up with 80/s."""
    monkeypatch.chdir(tmp_path)
    target = queued_target(service_s=0.05)
    done = fmload(target, *QUICK, "--slo", "0.06s", "--from", "80/s", "--to", "160/s", "--json", "--quiet")
    found = answer(done, tmp_path)
    assert (done.exit_code, found["answer"]["ending"]) == (99, "not_even"), found["answer"]["said"]
    assert found["answer"]["knee"] == "latency"


def test_a_target_that_dies_in_mid_step_ends_the_search_there(tmp_path, monkeypatch, mortal_target):
    """Code 113, with what the steps before had shown; the step that it died in counts as cut short, not as failed."""
    monkeypatch.chdir(tmp_path)
    flags = ("--from", "80/s", "--to", "160/s", "--step-time", "0.5s")
    done = fmload(mortal_target(70), *QUICK, *flags, "--json", "--quiet")
    found = answer(done, tmp_path)
    assert (done.exit_code, found["answer"]["ending"]) == (113, "target"), found["answer"]
    assert "no connection held" in found["answer"]["said"]
    assert [step["verdict"] for step in found["steps"]] == ["pass", "cut"]
    assert found["answer"]["highest_passing_per_s"] == 80.0
    assert found["answer"]["lowest_failing_per_s"] is None


def test_an_interrupted_search_reports_what_it_knows(tmp_path, queued_target):
    """Ctrl-C once, in a step: it drains, search.json is whole, the code is 105."""
    flags = (*QUICK, "--from", "20/s", "--to", "2000/s", "--step-time", "1s", "--json")
    with subprocess.Popen(
        [sys.executable, "-m", "loadtester", "search", queued_target(), *flags],
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while not process.stderr.readline().startswith("step  1"):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 105, stderr
    found = json.loads(stdout)
    (directory,) = (tmp_path / "reports").iterdir()
    assert found == json.loads((directory / "search.json").read_text())
    assert found["answer"]["ending"] == "interrupted"
    assert all((directory / step["run"] / "summary.json").exists() for step in found["steps"])
