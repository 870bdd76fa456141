"""What is written down of a run before it begins: what was asked, by whom, and with what instrument."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from loadtester import __version__
from loadtester.campaign.command import shown_command
from loadtester.cost import PriceTable
from loadtester.doctor import known_calibration
from loadtester.fleet import Plan
from loadtester.loop import LOOP
from loadtester.plan import forecast
from loadtester.rundir import SCHEMA
from loadtester.scenario import Scenario, redacted
from loadtester.schedule import Users

_LIBRARIES = ("aioboto3", "hdrhistogram", "httptools", "numpy", "picows")


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is settled before anything is started; the run directory is not made yet."""

    scenario: Scenario
    load: Plan
    prices: PriceTable
    directory: Path
    workers: int


def manifest_of(plan: RunPlan, started_at: datetime) -> dict[str, Any]:
    """The manifest of a run that is about to begin; no secret is in it."""
    scenario, load = plan.scenario, plan.load
    calibration = known_calibration()
    shown = redacted(scenario)
    return {
        "schema": SCHEMA,
        "id": plan.directory.name,
        "name": scenario.output.name,
        "command": shown_command(sys.argv),
        "status": "running",
        "started_at": started_at.isoformat(timespec="milliseconds"),
        "target": shown["target"]["url"] or "the bundled MangaAssist",
        "protocol": scenario.target.protocol,
        "model": "closed" if isinstance(load, Users) else "open",
        "pattern": scenario.load.pattern,
        "seed": scenario.load.seed,
        "workers": plan.workers,
        "plan": {
            "requests": planned_requests(load),
            "warmup_requests": _warm(scenario, load),
            "users": load.peak if isinstance(load, Users) else None,
            "duration_s": load.duration_s,
            "sha256": _digest(load),
            "prediction": forecast(scenario, load, plan.prices),
        },
        "scenario": shown,
        "price_table": plan.prices.source,
        "clock": "time.perf_counter_ns",
        "versions": {
            "fmload": __version__,
            "python": platform.python_version(),
            "loop": LOOP,
            **{name: version(name) for name in _LIBRARIES},
        },
        "host": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
        },
        "calibration": None if calibration is None else msgspec.to_builtins(calibration),
    }


def _warm(scenario: Scenario, load: Plan) -> int | None:
    """How many requests are planned for the warm-up."""
    return None if isinstance(load, Users) else int((load.due_ns < round(scenario.load.warmup_s * 1e9)).sum())


def planned_requests(load: Plan) -> int | None:
    """How many requests are planned; users send as many as they come to."""
    return None if isinstance(load, Users) else len(load)


def _digest(load: Plan) -> str:
    columns = (load.start_ns, load.end_ns) if isinstance(load, Users) else (load.due_ns, load.session)
    return sha256(b"".join(column.tobytes() for column in columns)).hexdigest()
