"""A target that logs its own truth, a real `fmload run` at it, and what both wrote down, side by side."""

import csv
import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

SERVER = Path(__file__).with_name("truth_server.py")


@dataclass(frozen=True)
class Truth:
    """What fmload says of a run (`summary`, `rows` by id) and what the target says of it (`log` by id, `stall_ns`)."""

    summary: dict
    rows: list
    log: list
    asked: list
    stall_ns: tuple | None
    exit_code: int

    def column(self, name):
        """A column of requests.csv, in ns from the run's start."""
        return np.array([int(row[name]) for row in self.rows])

    def logged(self, name):
        """A moment of the target's log, in ns on the machine's clock."""
        return np.array([entry[name] for entry in self.log])

    def zero_bounds_ns(self):
        """Where on the machine's clock the run's start can lie, if no request arrived unsent and no reply came early.

        sent + zero <= arrived and replied <= done + zero, for each request.
        """
        earliest = int((self.logged("replied_ns") - self.column("done_ns")).max())
        latest = int((self.logged("arrived_ns") - self.column("sent_ns")).min())
        return earliest, latest

    def zero_ns(self):
        """The run's start on the machine's clock."""
        return sum(self.zero_bounds_ns()) // 2

    def true_latency_s(self):
        """From when the schedule wanted each request to when the target gave its answer away."""
        return (self.logged("replied_ns") - self.zero_ns() - self.column("due_ns")) / 1e9


@pytest.fixture
def calibrate(tmp_path):
    """Calls `fmload run ARGS` at a target that follows `script`; `while_running(process)` may interfere."""

    def run(*args, while_running=None, protocol="rest", place="run", scenario=None, **script):
        directory = tmp_path / place
        directory.mkdir()
        log = directory / "truth.ndjson"
        with subprocess.Popen(
            [sys.executable, SERVER, json.dumps(script), log], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                url = f"http://127.0.0.1:{int(server.stdout.readline())}"
                command = [
                    sys.executable, "-m", "loadtester", "run", url,
                    "--protocol", protocol, "--summary", "json", "--quiet", *args,
                ]  # fmt: skip
                if scenario is not None:
                    (directory / "scenario.yaml").write_text(scenario)
                    command += ["-f", "scenario.yaml"]
                with subprocess.Popen(
                    command,
                    cwd=directory,
                    env={**os.environ, "NO_COLOR": "1"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                ) as process:
                    try:
                        if while_running is not None:
                            while_running(process, directory)
                        stdout, stderr = process.communicate(timeout=60)
                    finally:
                        process.kill()
            finally:
                server.stdin.close()
                server.wait(timeout=10)
        assert stdout, stderr
        return _truth(directory, log, json.loads(stdout), process.returncode)

    return run


def _truth(directory, log, summary, exit_code):
    (reports,) = (directory / "reports").iterdir()
    text = gzip.decompress((reports / "requests.csv.gz").read_bytes()).decode()
    rows = sorted(csv.DictReader(text.splitlines()), key=lambda row: int(row["id"]))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    stalls = [tuple(line["stall_ns"]) for line in lines if "stall_ns" in line]
    asked = [line for line in lines if "request_id" in line]
    return Truth(
        summary=summary,
        rows=rows,
        log=sorted(asked, key=lambda entry: int(entry["request_id"].partition("-")[2])),
        asked=[entry["request_id"] for entry in asked],
        stall_ns=stalls[0] if stalls else None,
        exit_code=exit_code,
    )
