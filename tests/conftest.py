"""What holds for every test."""

import os

import numpy as np
import pytest

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording
from loadtester.recorder.histogram import count_ns
from loadtester.scenario.mix import HAIKU


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """In CI nothing may be skipped: there a missing server or tool is a fault of the set-up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _interval(second, latencies_ns, ttft_ns, outcomes, slo_ns):
    rest = {"query": "greeting", "kind": "ai", "model": HAIKU}
    ok = Series("latency", **rest, is_ok=True)
    first = Series("ttft", **rest, is_ok=True)
    cells = {}
    for outcome, count in outcomes.items():
        in_slo = int(np.count_nonzero(latencies_ns <= slo_ns)) if outcome is Outcome.OK else 0
        tokens = {"input": 500 * count, "output": 200 * count} if outcome is Outcome.OK else {}
        answered_by = HAIKU if outcome is Outcome.OK else ""
        cells[CellKey("greeting", "ai", HAIKU, answered_by, outcome)] = Cell(count, count, in_slo, **tokens)
    counts = {ok: count_ns(latencies_ns), first: count_ns(ttft_ns)} if len(latencies_ns) else {}
    sent = sum(outcomes.values())
    return Interval(second, planned=sent, sent=sent, cells=cells, counts=counts, failures={})


@pytest.fixture(scope="session")
def made_run():
    """A run of one query type: `per_s` requests a second, of which `throttled` and `failed` in a hundred aren't ok.

    Latencies are lognormal, `scale` times a median of a second, and alike in neighbouring seconds. Returns its
    manifest and recording; `changes` are of the scenario, by dotted path.
    """

    def make(*, seed=1, seconds=60, per_s=10, scale=1.0, throttled=0, failed=0, ok=True, status="complete", **changes):
        rng = np.random.default_rng(seed)
        drift = 0.0
        intervals = []
        for second in range(seconds):
            drift = 0.6 * drift + 0.08 * rng.standard_normal()
            bad = {Outcome.THROTTLED: rng.binomial(per_s, throttled / 100), Outcome.SERVER_ERROR: 0}
            bad[Outcome.SERVER_ERROR] = rng.binomial(per_s - bad[Outcome.THROTTLED], failed / 100 if ok else 1.0)
            good = per_s - sum(bad.values())
            latencies_ns = (1e9 * scale * np.exp(0.4 * rng.standard_normal(good) + drift)).astype(np.int64)
            outcomes = {outcome: int(n) for outcome, n in {Outcome.OK: good, **bad}.items() if n}
            intervals.append(_interval(second, latencies_ns, latencies_ns // 4, outcomes, 3_000_000_000))
        scenario = {
            "load": {"pattern": "sustained", "rate_per_s": per_s, "duration_s": seconds, "seed": seed, "stages": []},
            "target": {"protocol": "ws", "url": None, "region": None, "endpoint_url": None, "headers": {}},
            "bundled": {"seed": 1, "time_scale": 1.0},
            "mix": [{"name": "greeting", "share": 1.0, "model": HAIKU, "kind": "ai"}],
            "max_tokens": 1024,
            "judge": {"slo_s": 3.0, "daily_messages": 1_000_000},
            "output": {"name": "r", "tags": {}},
            "prices": {},
        }
        for path, value in changes.items():
            section, _, key = path.partition("__")
            if key:
                scenario[section][key] = value
            else:
                scenario[section] = value
        manifest = {
            "schema": 1,
            "id": f"run-{seed}",
            "name": "r",
            "status": status,
            "started_at": "2026-11-21T07:30:05+00:00",
            "target": "the bundled MangaAssist",
            "protocol": scenario["target"]["protocol"],
            "model": "open",
            "pattern": "sustained",
            "seed": seed,
            "workers": 1,
            "plan": {"requests": seconds * per_s, "users": None, "duration_s": seconds},
            "scenario": scenario,
            "exit_codes": [],
            "elapsed_s": float(seconds),
        }
        return manifest, Recording(tuple(intervals))

    return make
