"""`fmload serve`: the bundled target by a file of its own, from start to end."""

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from loadtester.cli.serve import serve as serve_command
from loadtester.errors import FmloadError

LIMIT_S = 30.0
#: The emulator looks at the key id alone.
CREDENTIALS = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request"
COMMAND = (
    sys.executable,
    "-c",
    "from loadtester.cli import main; main()",
    "serve",
    "--port",
    "0",
    "--bedrock-port",
    "0",
)


def serve(directory, text, *options):
    """The command on a configuration, in a directory of its own."""
    config = directory / "target.yaml"
    config.write_text(text)
    return subprocess.Popen(
        [*COMMAND, "--config", str(config), "--log", str(directory / "logs"), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=directory, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_it_serves_what_the_file_says(tmp_path):
    """It says where it is once it answers there, has the parts of the file, and ends with 0 when told to."""
    with serve(tmp_path, "profile: full") as process:
        try:
            name, url, *_ = process.stdout.readline().split()
            assert name == "MangaAssist"
            health = httpx.get(f"{url}/health", timeout=LIMIT_S).json()
            assert (health["status"], health["bedrock"]) == ("ok", "ok")
            assert {"cache", "vectors"} <= health["dependencies"].keys()
            process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT_S) == 0, process.stderr.read()
        finally:
            process.kill()


def test_a_bad_file_is_said(tmp_path):
    """A key that isn't known ends it with an error, before anything serves, and the nearest key is named."""
    with serve(tmp_path, "profile: full\nretrieval: {enabledd: true}") as process:
        try:
            out, told = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert process.returncode != 0
    assert "MangaAssist" not in out
    assert "retrieval.enabledd" in told, told
    assert "enabled" in told.replace("enabledd", "")
    assert "Traceback" not in told
    assert (process.returncode, "free the port" in told) == (104, False), told


def test_a_port_that_is_taken_is_said(tmp_path):
    """Another fault than the file's has another remedy: a port of one's own."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with serve(tmp_path, "profile: full", "--bedrock-port", str(taken.getsockname()[1])) as process:
            try:
                _, told = process.communicate(timeout=LIMIT_S)
            finally:
                process.kill()
    assert process.returncode == 113
    assert "free the port" in told, told


def test_the_file_settles_what_no_flag_said(tmp_path):
    """Its quotas and its window reach the emulator as they are; a flag wins over them."""
    text = "bedrock: {window: minute, quotas: {tokens_per_minute: 5000, requests_per_minute: 3}}"
    shown = []
    for options in ((), ("--tokens-per-minute", "7000", "--window", "bucket")):
        with serve(tmp_path, text, *options) as process:
            try:
                process.stdout.readline()
                url = process.stdout.readline().split()[1]
                headers = {"Authorization": CREDENTIALS}
                quota = httpx.get(f"{url}/_quota", headers=headers, timeout=LIMIT_S).json()
                shown.append((quota["window"], quota["limits"]["tokens_per_minute"]))
                assert quota["limits"]["requests_per_minute"] == 3
                process.send_signal(signal.SIGINT)
                assert process.wait(LIMIT_S) == 0, process.stderr.read()
            finally:
                process.kill()
    assert shown == [("minute", 5000), ("bucket", 7000)]


def test_a_place_that_holds_no_logs_is_said(tmp_path):
    """Before anything starts, with the option that names another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FmloadError, match="cannot write") as caught:
        serve_command(log=tmp_path / "file")
    assert "--log" in caught.value.remedy


def test_logs_that_nobody_wrote_leave_no_directory(tmp_path, monkeypatch):
    """What ends before it writes any leaves nothing behind."""

    def no_target(*_, **_options):
        raise FmloadError("no target here")

    monkeypatch.setattr("loadtester.bundled.bundled_target", no_target)
    with pytest.raises(FmloadError, match="no target here"):
        serve_command(log=tmp_path / "logs")
    assert list((tmp_path / "logs").iterdir()) == []
