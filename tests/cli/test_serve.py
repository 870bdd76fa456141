"""`fmload serve`: the bundled target by a file of its own, from start to end."""

import os
import signal
import subprocess
import sys

import httpx

LIMIT_S = 30.0
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


def serve(directory, text):
    """The command on a configuration, in a directory of its own."""
    config = directory / "target.yaml"
    config.write_text(text)
    return subprocess.Popen(
        [*COMMAND, "--config", str(config), "--log", str(directory / "logs")],
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
