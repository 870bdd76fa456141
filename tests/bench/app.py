"""What the bundled MangaAssist does at most: turns a second, the app on one core, emulator and client on the other.

`python app.py [KIND…]` where KIND is plain, full (every part on, every question new) or hits (every part on, one
question over and over), each over WebSocket and REST. The emulator waits for nothing (time-scale 0) and answers at its
own length; the client is fmload's drivers, with 64 conversations at once. A cached answer is everybody's only where no
history goes along, so that the question of the hits is a bare one.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from loadtester.drivers import Driver
from loadtester.drivers.rest import RestDriver
from loadtester.drivers.websocket import WebSocketDriver
from loadtester.model import Outcome, Request
from loadtester.recorder import Probe

TURNS = 2000
WARM = 200
IN_FLIGHT = 64
ROUNDS = 2
_HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
_SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"
#: Questions as the mix has them, each about another volume, so that no cache answers by accident.
_QUESTIONS = (
    (_HAIKU, "product_lookup", "Do you have One Piece volume {n} in stock?"),
    (_SONNET, "recommendation", "Recommend {n} manga similar to Demon Slayer for someone who likes action."),
    (_HAIKU, "price_check", "How much is Jujutsu Kaisen volume {n}?"),
    (_HAIKU, "japanese_query", "ワンピースの第{n}巻はありますか?"),
)
_KINDS = ("plain", "full", "hits")


def rows(kinds: tuple[str, ...] = _KINDS) -> Iterator[tuple[str, str]]:
    """Best of two rounds each: turns a second of wall time, and the app's processor time a turn."""
    for kind in kinds:
        for protocol in ("ws", "rest"):
            with _target("plain" if kind == "plain" else "full") as (url, pid):
                best_s, cpu_us = _measured(url, pid, protocol, is_repeated=kind == "hits")
            yield (
                f"app, {kind}, {protocol}",
                f"{TURNS / best_s:>12,.0f} turns/s {cpu_us:>8.0f} µs CPU of the app a turn",
            )


def _measured(url: str, pid: int, protocol: str, *, is_repeated: bool) -> tuple[float, float]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        turns = runner.run(_rounds(url, pid, protocol, is_repeated=is_repeated))
    best_s = min(wall_s for wall_s, _ in turns)
    return best_s, min(cpu_s for _, cpu_s in turns) / TURNS * 1e6


async def _rounds(url: str, pid: int, protocol: str, *, is_repeated: bool) -> list[tuple[float, float]]:
    driver: Driver = (
        RestDriver(url, headers={}, ca_file=None)
        if protocol == "rest"
        else WebSocketDriver(url.replace("http", "ws") + "/ws", headers={}, ca_file=None)
    )
    turns = []
    try:
        await _round(driver, 0, WARM, is_repeated=is_repeated)
        for number in range(ROUNDS):
            cpu_s, began_s = _cpu_s(pid), time.perf_counter()
            await _round(driver, WARM + number * TURNS, TURNS, is_repeated=is_repeated)
            turns.append((time.perf_counter() - began_s, _cpu_s(pid) - cpu_s))
    finally:
        await driver.aclose()
    return turns


async def _round(driver: Driver, first: int, number: int, *, is_repeated: bool) -> None:
    """So many turns, by as many conversations as may be in flight."""
    ids = iter(range(first, first + number))

    async def converse(session: str) -> None:
        for turn, row in enumerate(ids, 1):
            ending = await driver.send(_request(row, session, turn, is_repeated=is_repeated), _probe())
            assert ending.outcome in (Outcome.OK, Outcome.TRUNCATED), ending

    await asyncio.gather(*(converse(f"{first}-{each}") for each in range(IN_FLIGHT)))


def _request(row: int, session: str, turn: int, *, is_repeated: bool) -> Request:
    model, kind, words = (_HAIKU, "greeting", "Hello!") if is_repeated else _QUESTIONS[row % len(_QUESTIONS)]
    return Request(row, kind, "ai", model, words.format(n=row), session, turn, 1024, "en", is_bare=is_repeated)


def _probe() -> Probe:
    return Probe(time.perf_counter_ns, 0)


@contextmanager
def _target(profile: str) -> Iterator[tuple[str, int]]:
    """The app's URL and process id: it alone on the first core, all else on the second."""
    affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        config = Path(directory, "target.yaml")
        config.write_text(json.dumps({"profile": profile}), "utf-8")
        quiet = ("--time-scale", "0", "--tokens-per-minute", "0", "--slots", "1000")
        bedrock_url, bedrock_pid = stack.enter_context(_process("bedrock", *quiet))
        options = ("--bedrock-url", bedrock_url, "--config", str(config), "--model-connections", str(IN_FLIGHT))
        app_url, app_pid = stack.enter_context(_process("app", *options))
        if len(affinity) > 1:
            os.sched_setaffinity(app_pid, affinity[:1])
            os.sched_setaffinity(bedrock_pid, affinity[1:2])
            os.sched_setaffinity(0, affinity[1:2])
            stack.callback(os.sched_setaffinity, 0, affinity)
        yield app_url, app_pid


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "target_app", *arguments, "--lifeline", "stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        try:
            yield ready["url"], ready["pid"]
        finally:
            process.stdin.close()
            process.wait()


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process so far (Linux; 0 elsewhere)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for name, value in rows(tuple(sys.argv[1:]) or _KINDS):
        print(f"{name:<60}{value}", flush=True)  # noqa: T201  a table is what it is for
