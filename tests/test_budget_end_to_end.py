"""A run's bounds against the bundled emulator, whose own log says what was asked of it and what it cost."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest

from loadtester.bundled import bundled_target
from loadtester.cost import price_table
from loadtester.model import Usage
from loadtester.scenario import resolve

FAST = ("--time-scale", "0.02", "--tokens-per-minute", "0")


def fmload(*args, cwd, target=None):
    """Run fmload to its end; its code, its summary, and the emulator's log of what models were asked.

    A bound that stops it is told of as it does, however many processes send.
    """
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "run", *args, "--summary", "json"],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    (directory,) = (Path(cwd) / "reports").iterdir()
    log = ((target or directory / "target") / "bedrock.ndjson").read_text().splitlines()
    asked = [one for one in map(json.loads, log) if one["operation"] != "count-tokens"]
    summary = json.loads(done.stdout)
    stopped_by = summary["run"]["stopped_by"]
    assert stopped_by is None or f"{stopped_by}; waiting for what is in flight" in done.stderr
    return done.returncode, summary, asked


def bill(log):
    """What the emulator's own log comes to."""
    prices = price_table({})
    return sum(
        (
            prices.usd(one["model"], Usage(one["input_tokens"], one["output_tokens"]))
            for one in log
            if one["outcome"] == "ok"
        ),
        Decimal(0),
    )


@pytest.mark.parametrize("flags", [("--protocol", "rest"), ("--protocol", "bedrock"), ("-u", "20"), ("--workers", "2")])
def test_the_emulators_bill_never_passes_the_cap(tmp_path, flags):
    """Stopped with 112 before the cap; what was in flight has its answer, and all money is accounted for."""
    users = "-u" in flags
    shape = ("--think-time", "constant:0.05s", "-d", "20s") if users else ("-r", "60/s", "-d", "10s")
    code, summary, log = fmload(*flags, *shape, "--max-cost", "$0.25", *FAST, cwd=tmp_path)
    budget, cap = summary["budget"], Decimal("0.25")
    assert code == 112
    assert summary["run"]["status"] == "stopped"
    assert summary["run"]["stopped_by"] == "stopped before --max-cost could be passed"
    assert Decimal(budget["spent_usd"]) == bill(log) <= cap
    assert summary["cost_usd"]["run"] == pytest.approx(float(bill(log)), abs=1e-9)
    assert (budget["over_usd"], budget["assumed_requests"], budget["underestimated_requests"]) == ("0", 0, 0)
    funnel = summary["funnel"]
    assert 0 < funnel["sent"] == len(log)
    assert funnel["cancelled_in_flight"] == 0
    assert bill(log) > 0
    assert users or funnel["cancelled"] == funnel["planned"] - funnel["sent"] - funnel["dropped"] > 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_more_requests_than_allowed_arrive(tmp_path, workers):
    """The plan's first requests are sent, over all workers; the rest are cancelled, and the code is 112."""
    flags = ("--protocol", "rest", "-r", "50/s", "-d", "3s", "--workers", workers)
    code, summary, log = fmload(*flags, "--max-requests", "40", *FAST, cwd=tmp_path)
    assert code == 112
    assert summary["run"]["stopped_by"] == "stopped by --max-requests 40"
    assert summary["funnel"]["sent"] == len(log) <= 40
    # A worker that meets the cap tells the others within a second: till then they send what is theirs.
    assert len(log) == 40 or workers != "1"
    assert summary["funnel"]["planned"] == 150


def test_throttled_requests_are_tried_again_and_counted(tmp_path):
    """Each attempt is in the emulator's log; on record each request has one outcome, and its retries are counted."""
    code, summary, log = fmload(
        "--protocol", "bedrock", "-r", "20/s", "-d", "2s", "--time-scale", "0.02", "--tokens-per-minute", "5000",
        "--on-throttle", "backoff", "--timeout", "4s", cwd=tmp_path,
    )  # fmt: skip
    # A machine that is late makes the run invalid, and its counts no less true.
    assert code in (0, 111)
    funnel, attempts = summary["funnel"], summary["attempts"]
    assert funnel["sent"] == sum(funnel[name] for name in ("ok", "throttled", "truncated", "timeout")) == 40
    assert attempts["total"] == len(log) == funnel["sent"] + attempts["retries"]
    assert attempts["retries"] >= attempts["retried"] > 0
    assert attempts["first_s"]["count"] + attempts["turned_away_s"]["count"] == 40
    refused = Counter(one["outcome"] for one in log)["throttled"]
    assert refused == attempts["retries"] + funnel["throttled"]


def test_a_target_that_adds_more_than_was_said_is_found_out(tmp_path):
    """A prompt that is longer than anybody said is over the cap by less than what was in flight, and is reported."""
    scenario = resolve({"bundled.time_scale": 0.02, "bundled.tokens_per_minute": 0})

    async def main():
        async with bundled_target(scenario.bundled, tmp_path / "target") as urls:
            return await asyncio.to_thread(
                fmload, urls.app, "--protocol", "rest", "-r", "50/s", "-d", "4s", "--max-tokens", "5",
                "--max-cost", "0.02", cwd=tmp_path, target=tmp_path / "target",
            )  # fmt: skip

    code, summary, log = asyncio.run(main())
    budget, cap = summary["budget"], Decimal("0.02")
    assert code == 112
    assert budget["underestimated_requests"] > 0
    assert Decimal(budget["spent_usd"]) == bill(log)
    assert Decimal(budget["over_usd"]) == max(Decimal(0), bill(log) - cap)
    dearest = max(bill([one]) for one in log)
    assert bill(log) <= cap + dearest * most_at_once(log)


def most_at_once(log):
    """The most requests that the emulator was working on together."""
    steps = sorted([(one["arrived_ns"], 1) for one in log] + [(one["ended_ns"], -1) for one in log])
    return max(accumulate(step for _, step in steps))
