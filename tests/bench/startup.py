"""Start-up: `fmload --help`, and the time from launching the process to the first request at an external target."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7


def rows() -> list[tuple[str, str]]:
    """Medians in seconds, beside an interpreter that does nothing."""
    nothing = _median(lambda: _elapsed([sys.executable, "-c", "pass"]))
    help_s = _median(lambda: _elapsed([sys.executable, "-m", "loadtester", "--help"]))
    first_s = _median(lambda: asyncio.run(_first_request_s()))
    return [
        ("python -c pass", f"{nothing:.3f} s"),
        ("fmload --help", f"{help_s:.3f} s (goal 0.3)"),
        ("first request at an external target", f"{first_s:.3f} s (goal 1.5)"),
    ]


def _median(measure) -> float:
    return statistics.median(measure() for _ in range(RUNS))


def _elapsed(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


async def _first_request_s() -> float:
    """Launch fmload at a server here; seconds until the first POST arrives (the health check before it is a GET)."""
    first: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST") and not first.done():
                first.set_result(time.perf_counter())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with tempfile.TemporaryDirectory() as out:
        begin = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtester", "run", url, "-d", "1s", "-q", "--out", out, "--summary", "none"
        )
        at = await asyncio.wait_for(first, 20)
        await process.wait()
    server.close()
    return at - begin
