"""Whether memory grows with the number of requests: the whole engine at a steady rate for minutes.

FMLOAD_BENCH_MINUTES (2) and FMLOAD_BENCH_RATE (500, a second) say how long and how fast. `python soak.py URL RATE
SECONDS` is the process that is measured; it prints a line of JSON every ten seconds.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from null_target import null_target, usual_routes

from loadtester.cost import price_table
from loadtester.drivers import driver_for
from loadtester.fleet import Shard, arrivals_of, shard_engine
from loadtester.loop import on_loop
from loadtester.recorder import Interval, Meter
from loadtester.rundir import Writer
from loadtester.scenario import resolve

EVERY_S = 10
#: Connections, caches and the allocator's arenas fill up first.
SETTLED_S = 20


def rows() -> Iterator[tuple[str, str]]:
    """The memory every ten seconds, and what it grows by for each request."""
    rate = float(os.environ.get("FMLOAD_BENCH_RATE", "500"))
    seconds = float(os.environ.get("FMLOAD_BENCH_MINUTES", "2")) * 60
    looks = []
    cores = sorted(os.sched_getaffinity(0))
    with null_target(usual_routes(), cores[0] if len(cores) > 1 else None) as target:
        command = [sys.executable, __file__, f"http://127.0.0.1:{target.port}", str(rate), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as soak:
            assert soak.stdout is not None
            for line in soak.stdout:
                second, sent, ok, rss_bytes = json.loads(line)
                if second >= SETTLED_S:
                    looks.append((sent, rss_bytes))
                yield f"soak, {second:,} s, {sent:,} requests, {ok:,} ok", f"{rss_bytes / 2**20:>10.1f} MiB"
        if soak.returncode:
            yield "soak", f"ended with code {soak.returncode}"
    if len(looks) > 1:
        bytes_a_request = np.polyfit(*np.array(looks).T, 1)[0]
        yield f"soak, from {SETTLED_S} s on", f"{bytes_a_request:>+10.1f} bytes a request"
    else:
        yield "soak", f"too short for a slope: it takes {SETTLED_S + EVERY_S} s"


async def _soak(url: str, rate: str, seconds: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        scenario = resolve({
            "target.url": url, "target.protocol": "rest", "load.pattern": "sustained", "load.rate": float(rate),
            "load.duration": f"{seconds}s", "output.directory": root,
        })  # fmt: skip
        prices = price_table(scenario.prices)
        writer, meter = Writer(Path(root) / "run", {}, datetime.now(UTC)), Meter()

        def sink(interval: Interval, lines: bytes) -> None:
            writer.write(interval, lines)
            tick = meter.add(interval)
            second = interval.second + 1
            if second % EVERY_S == 0:
                look = (second, tick.sent, tick.outcomes.get("ok", 0), _rss_bytes())
                print(json.dumps(look), flush=True)  # noqa: T201  its parent reads it

        driver = driver_for(scenario.target)
        engine = shard_engine(scenario, arrivals_of(scenario), driver, shard=Shard(), price=prices.usd, sink=sink)
        try:
            await engine.run(time.perf_counter_ns())
        finally:
            await driver.aclose()
            writer.close()


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    on_loop(_soak(*sys.argv[1:]))
