"""A run of the bundled target with its caches on: its bill and its quota are those of the calls that were made."""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal

from loadtester.analysis.quotas.calls import call_log
from loadtester.analysis.quotas.quota import quota_of
from loadtester.cost import price_table
from loadtester.cost.bill import NOBODY, hit_rate
from loadtester.cost.quota_request import needs
from loadtester.cost.reconcile import counts
from loadtester.cost.runs import run_and_basis
from loadtester.rundir import request_text
from loadtester.scenario.mix import HAIKU

LIMIT_S = 60.0


def _run(tmp_path):
    """Greetings, of which there are few, to a target with the full profile; the run, and what the emulator answered."""
    (tmp_path / "target.yaml").write_text("profile: full\n")
    (tmp_path / "greetings.yaml").write_text("mix:\n  - {name: greeting, share: 1}\n")
    command = [sys.executable, "-m", "loadtester"]
    ports = ("--port", "0", "--bedrock-port", "0", "--time-scale", "0.02")
    with subprocess.Popen(
        [*command, "serve", *ports, "--config", "target.yaml", "--log", "logs"],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "COLUMNS": "200"},
    ) as served:  # fmt: skip
        try:
            url = served.stdout.readline().split()[1]
            subprocess.run(
                [*command, "run", url, "-f", "greetings.yaml", "-r", "40/s", "-d", "3s"],
                cwd=tmp_path, timeout=LIMIT_S, check=True, capture_output=True,
            )  # fmt: skip
            served.send_signal(signal.SIGINT)
            served.wait(LIMIT_S)
        finally:
            served.kill()
    (directory,) = (path.parent for path in (tmp_path / "reports").glob("*/manifest.json"))
    (log,) = (tmp_path / "logs").glob("*/bedrock.ndjson")
    return directory, [json.loads(line) for line in log.read_text().splitlines()]


def test_a_hit_is_no_call(tmp_path):
    """The bill, the quota to ask for, CloudWatch's counterpart and the verdict agree with the emulator's log."""
    directory, truth = _run(tmp_path)
    run, basis, tariff = run_and_basis(directory, lambda own, _: price_table(own))
    calls, sent = len(truth), sum(cell.sent for cell in run.recording.cells().values())
    assert 0 < calls < sent / 2
    assert all(line.model != NOBODY for line in basis.lines)
    assert round(hit_rate(basis.lines) * sent) == sent - calls
    assert counts(run.recording)[HAIKU]["Invocations"] == calls
    (need,) = needs(basis.lines, 1440 * sent, Decimal(1), None)
    assert need.steady_rpm == calls
    assert round(need.tokens_in * calls) == counts(run.recording)[HAIKU]["InputTokenCount"]
    quota = quota_of(run.manifest, call_log(request_text(directory)), run.recording)
    assert (quota.by_model[HAIKU].offered, quota.by_model[HAIKU].admitted) == (calls, calls)
    assert quota.knees.met == "neither"
    assert sum(row.messages for row in basis.today if row.usd) == calls
    assert abs(tariff.usd_per_message(basis.lines) * sent - sum(row.usd for row in basis.today)) < Decimal("1e-15")
