"""The load path against null targets, beside its peers: rates, ratios, lag, and what streams cost.

Load testers have one core, targets another. The runs of a row are interleaved, and its figures are medians of ROUNDS.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from null_target import Target, null_target, usual_routes

ROUNDS = 3
_HERE = Path(__file__).parent
_BENCH = _HERE.parents[1] / ".bench"
_SECONDS = 5

Figures = dict[str, float]
Row = tuple[str, str]


def rows() -> Iterator[Row]:
    """Each row when it is known."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield "load path", "left out: it takes two cores"
        return
    with null_target(usual_routes(), cores[0]) as target:
        bench = _Bench(target, cores[0], cores[1])
        yield from bench.closed("POST", "rest", "", 40_000, ("wrk", "locust", "aiohttp_rest", "httpx_rest"))
        yield from bench.closed("SSE, 50 chunks", "sse", "/s50/v1/chat/stream", 8_000, ("locust", "aiohttp_sse"))
        yield from bench.closed("SSE, 100 chunks", "sse", "/s100/v1/chat/stream", 4_000, ("locust", "aiohttp_sse"))
        yield from bench.websocket()
        yield from bench.closed("Bedrock Converse", "converse", "", 6_000, ("aioboto3_converse",))
        yield from bench.closed(
            "ConverseStream, 50 events", "converse_stream", "", 2_000, ("aioboto3_converse_stream",)
        )
        for rate in (200, 1_000, 3_000, 5_000):
            yield bench.lag(rate)
        for streams, gap_ms in ((2_000, 100), (10_000, 500)):
            yield bench.paced(streams, gap_ms)
        yield bench.workers()


class _Bench:
    """Runs jobs at one target, each in a process on `core`."""

    def __init__(self, target: Target, target_core: int, core: int) -> None:
        self._url = f"http://127.0.0.1:{target.port}"
        self._target_core, self._core = target_core, core

    def closed(self, name: str, job: str, path: str, number: int, peers: tuple[str, ...]) -> Iterator[Row]:
        """How many a second with 64 in flight, and by how much more than each peer."""
        yield from self._compare(
            f"{name}, 64 in flight",
            {"fmload": lambda: self._python("ours.py", job, self._url + path, number)}
            | {peer: self._peer(peer, path or "/v1/chat", number) for peer in peers},
        )

    def websocket(self) -> Iterator[Row]:
        """The same, at a target of its own."""
        command = ["taskset", "-c", str(self._target_core), sys.executable, str(_HERE / "ws_target.py")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                url = f"ws://127.0.0.1:{int(server.stdout.readline())}/ws"
                yield from self._compare(
                    "WebSocket, 100 frames, 64 in flight",
                    {
                        "fmload": lambda: self._python("ours.py", "ws", url, 6_000),
                        "websockets_ws": lambda: self._python("peers.py", "websockets_ws", url, 1_500),
                    },
                )
            finally:
                server.terminate()

    def lag(self, rate: int) -> Row:
        """How late the engine launches in the open model, and what the target sees of it."""
        rounds, spreads = [], []
        for _ in range(ROUNDS):
            self._arrivals()
            rounds.append(self._python("ours.py", "open", self._url, rate))
            gaps = np.diff(self._arrivals())
            spreads.append(float(np.std(gaps) / np.mean(gaps)))
        middle = _medians(rounds)
        shown = (
            f"lag p50 {middle['lag_p50_us']:,.0f} µs, p99 {middle['lag_p99_us']:,.0f} µs; gaps at the target CV "
            f"{statistics.median(spreads):.3f}; {middle['cpu_us']:.0f} µs CPU each"
        )
        return f"open loop, {rate:,}/s", shown

    def paced(self, streams: int, gap_ms: int) -> Row:
        """What streams at once cost, and how late their chunks are seen after they were written."""
        path = f"/paced{gap_ms}/v1/chat/stream"
        middle = _medians([self._python("ours.py", "paced", self._url + path, streams)])
        shown = (
            f"{middle['ok']:,.0f} ok, at most {middle['most_in_flight']:,.0f} at once; chunk seen after p50 "
            f"{middle['chunk_error_p50_us']:,.0f} µs, p99 {middle['chunk_error_p99_us']:,.0f} µs; "
            f"{middle['rss_kb'] / middle['most_in_flight']:.1f} KiB a stream"
        )
        return f"{streams:,} streams begun in 10 s, a chunk every {gap_ms} ms", shown

    def workers(self) -> Row:
        """What two processes send and record, against one: `fmload run` itself, with users who never pause.

        One process has a core and the target the other; two share both cores with the target.
        """
        rounds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(ROUNDS):
            for count, rates in rounds.items():
                rates.append(self._users(count))
        one, two = (statistics.median(rates) for rates in rounds.values())
        return "two workers, 64 users without a pause", f"{two:>10,.0f}/s  {two / one:.2f} × one worker ({one:,.0f}/s)"

    def _users(self, workers: int) -> float:
        with tempfile.TemporaryDirectory() as root:
            command = [sys.executable, "-m", "loadtester", "run", self._url, "--protocol", "rest", "--users", "64"]
            command += ["--think-time", "0s", "-d", f"{_SECONDS}s", "--workers", str(workers), "--out", root]
            subprocess.run(command, capture_output=True, check=False)
            (summary,) = Path(root).glob("*/summary.json")
            throughput: float = json.loads(summary.read_text("utf-8"))["rates"]["throughput_per_s"]
        return throughput

    def _compare(self, name: str, runs: dict[str, Callable[[], Figures] | str]) -> Iterator[Row]:
        rounds: dict[str, list[Figures]] = {who: [] for who, run in runs.items() if not isinstance(run, str)}
        for _ in range(ROUNDS):
            for who, run in runs.items():
                if not isinstance(run, str):
                    rounds[who].append(run())
        ours = _medians(rounds["fmload"])
        yield name, f"{ours['per_s']:>10,.0f}/s  {ours['cpu_us']:.1f} µs CPU each"
        for who, run in runs.items():
            if isinstance(run, str):
                yield f"  {who}", f"left out: {run}"
            elif who != "fmload":
                rate = _medians(rounds[who])["per_s"]
                yield f"  {who}", f"{rate:>10,.0f}/s  fmload is {ours['per_s'] / rate:.2f} × that"

    def _peer(self, peer: str, path: str, number: int) -> Callable[[], Figures] | str:
        match peer:
            case "wrk":
                return self._wrk if shutil.which("wrk") else "wrk is not installed (apt-get install wrk)"
            case "locust":
                locust = _locust()
                return (lambda: self._locust(locust, path)) if locust else "Locust can't be installed into .bench/"
        # Several times slower than fmload, and so with fewer requests for the same time.
        url = self._url if peer.startswith("aioboto3") else self._url + path
        return lambda: self._python("peers.py", peer, url, number // (80 if peer.startswith("httpx") else 4))

    def _python(self, program: str, *arguments: object) -> Figures:
        command = [sys.executable, str(_HERE / program), *map(str, arguments)]
        done = self._pinned(command)
        if done.stderr:
            print(done.stderr.strip()[-1000:], file=sys.stderr)  # noqa: T201  what went wrong must be seen
        done.check_returncode()
        figures: Figures = json.loads(done.stdout)
        return figures

    def _wrk(self) -> Figures:
        script = _BENCH / "post.lua"
        _BENCH.mkdir(exist_ok=True)
        script.write_text(
            'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
            'wrk.body = \'{"request_id":"r-7","session_id":"s-3","message":"Is volume 34 in stock?"}\'\n',
            "ascii",
        )
        command = ["wrk", "-t1", "-c64", f"-d{_SECONDS}s", "-s", str(script), f"{self._url}/v1/chat"]
        found = re.search(r"Requests/sec:\s+([0-9.]+)", self._pinned(command).stdout)
        assert found is not None
        return {"per_s": float(found[1])}

    def _locust(self, locust: Path, path: str) -> Figures:
        command = [str(locust), "-f", str(_HERE / "locust_user.py"), "--headless", "--json", "-u64", "-r64"]
        done = self._pinned([*command, f"-t{_SECONDS}s", "--host", self._url], FMLOAD_BENCH_PATH=path)
        done.check_returncode()
        (stats,) = json.loads(done.stdout[done.stdout.index("[") :])
        assert stats["num_failures"] == 0
        return {"per_s": stats["num_requests"] / (stats["last_request_timestamp"] - stats["start_time"])}

    def _pinned(self, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["taskset", "-c", str(self._core), *command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **variables},
        )

    def _arrivals(self) -> np.ndarray:
        with urlopen(f"{self._url}/_arrivals") as answer:  # noqa: S310  our own target
            return np.frombuffer(answer.read(), dtype=np.int64)


def _locust() -> Path | None:
    """Locust, put into an environment of its own when first needed; it must not meet fmload's dependencies."""
    locust = _BENCH / "locust" / "bin" / "locust"
    if not locust.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(_BENCH / "locust")], check=False)
        if made.returncode == 0:
            subprocess.run([str(locust.with_name("pip")), "install", "--quiet", "locust"], check=False)
    return locust if locust.exists() else None


def _medians(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
