"""The report of a run of a million requests, from its directory: seconds, memory, and the page's size.

FMLOAD_BENCH_REQUESTS=10000000 makes it ten millions, FMLOAD_BENCH_SECONDS=1000 a run of 17 minutes, not of an hour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import COLUMNS, Cell, Interval, count_ns, packed
from loadtester.rundir import SCHEMA, Writer
from loadtester.scenario.mix import HAIKU, SONNET

REQUESTS = int(os.environ.get("FMLOAD_BENCH_REQUESTS", "1000000"))
SECONDS = int(os.environ.get("FMLOAD_BENCH_SECONDS", "3600"))
_METRICS = ("latency", "service", "lag", "connect", "ttft", "ttft_service", "itl", "tpot")
_QUERIES = {"product_lookup": HAIKU, "recommendation": SONNET, "price_check": HAIKU, "japanese_query": HAIKU}
_QUERIES |= {"manga_summary": SONNET, "order_status": HAIKU, "greeting": HAIKU}


def rows() -> list[tuple[str, str]]:
    """A run of an hour with seven query types, written by what writes runs, reported in a process of its own."""
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root) / "run"
        _write(directory)
        start_s = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "loadtester", "report", str(directory), "--summary", "none"])
        _, _, used = os.wait4(child.pid, 0)
        took_s, cpu_s = time.perf_counter() - start_s, used.ru_utime + used.ru_stime
        size_bytes = (directory / "report.html").stat().st_size
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return [
        (f"report of {REQUESTS:,} requests", f"{took_s:.2f} s, {cpu_s:.2f} of CPU (goal 5 for a million)"),
        ("its memory at most", f"{used.ru_maxrss * unit_bytes / 1e6:.0f} MB (goal 500 for a million)"),
        ("report.html", f"{size_bytes / 1e6:.2f} MB (goal 1.5)"),
    ]


def _write(directory: Path) -> None:
    rng = np.random.default_rng(1)
    writer = Writer(directory, _manifest(), datetime.now(UTC))
    each = REQUESTS // SECONDS // len(_QUERIES)
    for second in range(SECONDS):
        cells, counts, lines = {}, {}, []
        for query, model in _QUERIES.items():
            took_ns = (rng.lognormal(0.0, 0.5, each) * 1e9).astype(np.int64)
            cells[CellKey(query, "ai", model, model, Outcome.OK)] = Cell(
                count=each, sent=each, in_slo=each, input=400 * each, output=200 * each, usd=Decimal("0.01")
            )
            counts |= {Series(metric, query, "ai", model, is_ok=True): count_ns(took_ns) for metric in _METRICS}
            lines += [_line(second, i, query, model, int(took)) for i, took in enumerate(took_ns)]
        sent = each * len(_QUERIES)
        interval = Interval(second, planned=sent, sent=sent, in_flight=40, cells=cells, counts=counts)
        for _ in writer.steps(interval, b"".join(packed(lines[i : i + 256]) for i in range(0, len(lines), 256))):
            pass
    writer.update_manifest(status="complete", elapsed_s=float(SECONDS))
    writer.close()


def _line(second: int, place: int, query: str, model: str, took_ns: int) -> str:
    due_ns = second * 1_000_000_000 + place * 1_000_000
    values = {
        "id": place,
        "due_ns": due_ns,
        "sent_ns": due_ns + 100_000,
        "first_ns": due_ns + took_ns // 2,
        "done_ns": due_ns + took_ns,
        "query": query,
        "model": model,
        "answered_by": model,
        "outcome": "ok",
        "input_tokens": 400,
        "output_tokens": 100 + took_ns % 200,
        "cost_usd": "0.0001",
        "session": f"s{place}",
        "turn": 1,
        "worker": 0,
        "kind": "ai",
    }
    return ",".join(str(values.get(name, "")) for name in COLUMNS)


def _manifest() -> dict[str, object]:
    share = 1 / len(_QUERIES)
    return {
        "schema": SCHEMA,
        "id": "bench",
        "name": "bench",
        "status": "running",
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "target": "http://127.0.0.1",
        "protocol": "rest",
        "model": "open",
        "pattern": "sustained",
        "seed": 1,
        "workers": 1,
        "plan": {
            "requests": REQUESTS // SECONDS // len(_QUERIES) * len(_QUERIES) * SECONDS,
            "users": None,
            "duration_s": float(SECONDS),
            "sha256": "",
            "prediction": None,
        },
        "scenario": {
            "load": {"pattern": "sustained", "seed": 1, "max_in_flight": 10_000},
            "target": {"url": "http://127.0.0.1"},
            "quota": {"tokens_per_minute": 100_000_000},
            "judge": {"slo_s": 3.0, "daily_messages": 1_000_000},
            "mix": [{"name": name, "share": share, "model": model, "kind": "ai"} for name, model in _QUERIES.items()],
            "max_tokens": 1024,
            "prices": {},
            "output": {"name": "bench", "tags": {}},
        },
        "price_table": "",
        "versions": {"fmload": "bench"},
        "host": {"cores": os.cpu_count()},
    }
