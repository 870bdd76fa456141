"""The two processes: how they begin, what they say, and how they end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from websockets.sync.client import connect

LIMIT_S = 20.0

#: A parent that starts the service, says what the service says, and then does nothing but live.
PARENT = """
import subprocess, sys
command = [sys.executable, "-m", "target_app", *sys.argv[1:], "--lifeline", "stdin"]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), end="", flush=True)
sys.stdin.read()
"""


def run(*arguments):
    command = [sys.executable, "-m", "target_app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def is_listening(url):
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=LIMIT_S).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("part", ["bedrock", "app"])
def test_a_port_in_use_is_said(part):
    """On a taken port it ends with 1 and one line that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(part, "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert str(port) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_log_that_cannot_be_written_is_said(tmp_path):
    """So it is with a log that has no folder."""
    done = run("app", "--log", str(tmp_path / "nowhere" / "log"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("bedrock", "--time-scale", "-1"),
        ("bedrock", "--time-scale", "nan"),
        ("bedrock", "--tokens-per-minute", "-5"),
        ("bedrock", "--window", "hour"),
        ("app", "--bedrock-url", "nowhere"),
        ("app", "--port", "70000"),
        ("app", "--lifeline", "stdout"),
        ("database",),
        (),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments):
    """A value that makes no sense ends with 2 and a line about it, before anything listens."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error" in done.stderr


@pytest.mark.parametrize("command", [("bedrock",), ("app", "--bedrock-url", "http://127.0.0.1:1")])
def test_ready_is_one_line(start, command):
    """Once it is ready it says where, on which process, in one JSON line; then it does answer there."""
    running = start(*command)
    assert running.pid == running.process.pid
    assert httpx.get(f"{running.url}/health").headers["content-type"] == "application/json"
    running.process.stdin.close()
    assert running.process.wait(LIMIT_S) == 0
    assert running.process.stdout.read() == b""


def test_health(start_pair):
    """Healthy with the model's endpoint there; 503 that names it once it is gone."""
    app, bedrock = start_pair()
    healthy = httpx.get(f"{app.url}/health")
    assert healthy.status_code == 200
    told = healthy.json()
    assert (told["status"], told["bedrock"]) == ("ok", "ok")
    assert {name: each["status"] for name, each in told["dependencies"].items()} == {
        "bedrock": "ok", "sessions": "ok", "products": "ok", "carts": "ok",
    }  # fmt: skip
    bedrock.process.stdin.close()
    assert bedrock.process.wait(LIMIT_S) == 0
    sick = httpx.get(f"{app.url}/health")
    assert (sick.status_code, sick.json()["bedrock"]) == (503, "unreachable")
    request = {"request_id": "r", "session_id": "s", "message": "hi"}
    assert httpx.post(f"{app.url}/v1/chat", json=request).status_code == 502


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None], ids=["SIGTERM", "SIGINT", "lifeline"])
def test_it_ends_with_streams_open(start_pair, end):
    """Told to end in the middle of answers, both processes do, with 0, and the answers are on record as cut off."""
    app, bedrock = start_pair("--time-scale", "4")
    message = {"session_id": "s", "message": "Tell me all about Berserk.", "output_tokens": 1000}
    with (
        connect(f"{app.url.replace('http', 'ws')}/ws") as socket_,
        httpx.stream("POST", f"{app.url}/v1/chat/stream", json={"request_id": "sse", **message}, timeout=60) as events,
    ):
        socket_.send(json.dumps({"action": "chat", "request_id": "ws", **message}))
        assert json.loads(socket_.recv(LIMIT_S))["type"] == "delta"
        lines = events.iter_lines()  # kept: httpx closes the response of an iterator that is dropped
        assert next(lines) == "event: delta"
        for running in (app, bedrock):
            if end is None:
                running.process.stdin.close()
            else:
                running.process.send_signal(end)
        assert [running.process.wait(LIMIT_S) for running in (app, bedrock)] == [0, 0]
    outcomes = {line["request_id"]: line["outcome"] for line in app.lines()}
    # Bedrock ends at the same time, so each answer broke off at the one or at the other.
    assert outcomes.keys() == {"ws", "sse"}
    assert set(outcomes.values()) <= {"client_gone", "model_error"}
    assert {line["request_id"] for line in bedrock.lines()} == {"ws", "sse"}


@pytest.mark.parametrize("part", ["bedrock", "app"])
def test_it_ends_when_its_parent_is_killed(part):
    """Killed with no chance to say goodbye, the parent takes the process with it."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, part], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        ready = json.loads(parent.stdout.readline())
        try:
            assert is_listening(ready["url"])
            parent.kill()
            parent.wait(LIMIT_S)
            deadline = time.monotonic() + LIMIT_S
            while is_listening(ready["url"]):
                assert time.monotonic() < deadline, "it outlived its parent"
                time.sleep(0.02)
        except BaseException:
            os.kill(ready["pid"], signal.SIGKILL)
            raise


def test_without_a_lifeline_stdin_does_not_matter():
    """A process that is not on a lifeline goes on when its input ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "target_app", "bedrock"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            assert httpx.get(f"{url}/health").status_code == 200
            process.terminate()
            assert process.wait(LIMIT_S) == 0
        finally:
            process.kill()


def test_a_token_from_the_command_line_lets_its_user_in(start, tmp_path):
    """What `token` prints is good for that user until its time; the secret itself is never shown."""
    config = tmp_path / "target.yaml"
    config.write_text("auth: {secret: 0123456789abcdef}")
    app = start("app", "--config", str(config), "--bedrock-url", "http://127.0.0.1:1")
    made = run("token", "--config", str(config), "--user", "ann", "--valid", "15m")
    token = made.stdout.strip()
    assert made.returncode == 0
    assert 0 < int(token.split(".")[1]) - time.time() <= 900
    assert "0123456789abcdef" not in made.stdout + made.stderr
    carts = [httpx.get(f"{app.url}/v1/carts/{user}", params={"token": token}).status_code for user in ("ann", "bob")]
    assert carts == [200, 403]


@pytest.mark.parametrize(
    ("file", "options", "code"),
    [
        ("auth: {secret: 0123456789abcdef}", ("--user", "a.b"), 1),
        ("auth: {secret: 0123456789abcdef}", ("--user", "ann", "--valid", "soon"), 2),
        ("auth: {secret: 0123456789abcdef}", ("--user", "ann", "--valid", "0h"), 2),
        ("profile: full", ("--user", "ann"), 2),
        ("auth: {secret: short}", ("--user", "ann"), 2),
    ],
)
def test_tokens_that_cannot_be_made(tmp_path, file, options, code):
    """A user that no token can name, no duration, no secret: the reason, and no token."""
    config = tmp_path / "target.yaml"
    config.write_text(file)
    done = run("token", "--config", str(config), *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr
