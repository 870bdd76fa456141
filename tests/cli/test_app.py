"""The `fmload` command as a whole."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "args",
    [
        ("cost", "--assume", "mangaassist"),
        ("cost", "--assume", "mangaassist", "--json"),
        ("plan", "-r", "2/s", "-d", "10s"),
        ("version",),
    ],
)
def test_a_reader_who_leaves(args, tmp_path):
    """`| head` closes the pipe: nothing is said on stderr, and the code is that of SIGPIPE."""
    with subprocess.Popen(
        [sys.executable, "-m", "loadtester", *args], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(timeout=60)
    assert (said, code) == (b"", 128 + signal.SIGPIPE)
