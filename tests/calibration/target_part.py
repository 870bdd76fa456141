"""The bundled target's processes as a test starts them: their URLs, and their own accounts when they have ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

#: Nobody's keys, and none of the machine's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def part(name, *options):
    """One of the target's processes: its URL, and its death with its standard input."""
    command = [sys.executable, "-m", "target_app", name, "--lifeline", "stdin", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        try:
            yield json.loads(process.stdout.readline())["url"]
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()
