"""Starts and stops the bundled MangaAssist and its Bedrock emulator, each a process of its own on loopback.

The processes hold the read end of a pipe whose write end is ours: however this process ends, the pipe closes and they
end too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import Bundled

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0

#: What the target's last words have in them where its file, or its port, can't be used.
_CONFIG_FAULT = "error: argument --config: "
_PORT_FAULT = "cannot listen on port"

#: How an exception's last line begins, and what it says of a library that isn't there; the extra that has such ones.
_ERROR = re.compile(r"[\w.]*(Error|Exception): ")
_MISSING = re.compile(r"No module named '(\w+)")
_IN_STORES = ("asyncpg", "redis")

#: The target gets no credentials, proxies or settings of the user's: only what Python needs to run.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the bundled target listens, and whether it still does."""

    app: str
    bedrock: str
    parts: tuple[_Part, ...]

    @property
    def ended(self) -> str | None:
        """What to say of a part that has ended by itself, if one has."""
        return next((part.epitaph for part in self.parts if part.process.returncode is not None), None)

    async def until_ended(self, stop: asyncio.Event) -> str | None:
        """Wait for `stop`, or for a part to end by itself: then what to say of it."""
        waits = [asyncio.create_task(part.process.wait()) for part in self.parts]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*waits, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in (*waits, stopping):
                wait.cancel()
            await asyncio.gather(*waits, stopping, return_exceptions=True)
        return None if stop.is_set() else self.ended


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the two processes."""

    name: str
    url: str
    process: asyncio.subprocess.Process
    errors: Path

    @property
    def epitaph(self) -> str:
        """What to say when it has ended by itself."""
        return f"the bundled target ({self.name}) ended by itself, {_how(self.process)}: {_last_line(self.errors)}"


@asynccontextmanager
async def bundled_target(
    settings: Bundled,
    log_directory: Path,
    *,
    port: int = 0,
    bedrock_port: int = 0,
    config: Path | None = None,
    unsaid: Collection[str] = (),
) -> AsyncIterator[Urls]:
    """Both processes, up and answering inside the context; their logs go to `log_directory`.

    `config` is the target's own file, for both of them. It settles the limits of `settings` that are `unsaid`.
    """
    configured = [] if config is None else [f"--config={config}"]
    quota = [
        f"--{name.replace('_', '-')}={value}"
        for name in ("tokens_per_minute", "requests_per_minute", "window")
        if name not in unsaid and (value := getattr(settings, name)) is not None
    ]
    async with AsyncExitStack() as stack:
        bedrock = await stack.enter_async_context(
            _process(
                "bedrock",
                [
                    f"--port={bedrock_port}",
                    f"--seed={settings.seed}",
                    f"--time-scale={settings.time_scale}",
                    *quota,
                    *configured,
                ],
                log_directory,
            )
        )
        app = await stack.enter_async_context(
            _process(
                "app",
                [
                    f"--port={port}",
                    f"--bedrock-url={bedrock.url}",
                    f"--model-connections={settings.model_connections}",
                    *configured,
                ],
                log_directory,
            )
        )
        yield Urls(app=app.url, bedrock=bedrock.url, parts=(bedrock, app))


@asynccontextmanager
async def _process(part: str, options: Sequence[str], log_directory: Path) -> AsyncIterator[_Part]:
    """One process of the target, once it is ready."""
    errors = log_directory / f"{part}.stderr"
    with _new_file(errors) as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "target_app",
            part,
            *options,
            "--lifeline=stdin",
            f"--log={log_directory / f'{part}.ndjson'}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            # Its own session: Ctrl-C is ours to handle, the target has to last until the run has drained.
            start_new_session=True,
        )
    try:
        yield _Part(part, await _ready_url(process, part, errors), process, errors)
    finally:
        await _stop(process)


async def _ready_url(process: asyncio.subprocess.Process, part: str, errors: Path) -> str:
    if process.stdout is None:
        raise AssertionError("the process was started with a pipe")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_LIMIT_S)
    except TimeoutError:
        line = b""
    try:
        return str(json.loads(line)["url"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_start(part, _last_line(errors), errors) from error


def _no_start(part: str, words: str, errors: Path) -> FmloadError:
    """Why a process did not get ready, as far as its last words tell: its file, its port or something else."""
    _, is_file, fault = words.partition(_CONFIG_FAULT)
    if is_file:
        return FmloadError(fault, remedy="mend the file; docs/mangaassist.md has its keys")
    remedy = (
        "free the port, or let --port 0 and --bedrock-port 0 take free ones"
        if _PORT_FAULT in words
        else _install(missing[1])
        if (missing := _MISSING.search(words))
        else f"{errors} has what it said"
    )
    return FmloadError(f"the bundled target ({part}) did not start: {words}", remedy=remedy, code=Exit.UNREACHABLE)


def _new_file(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise FmloadError(
            f"cannot write {path}: {error.strerror}", remedy="choose another place for the logs"
        ) from error


def _how(process: asyncio.subprocess.Process) -> str:
    code = process.returncode or 0
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _last_line(path: Path) -> str:
    """Why a process ended: its own last line, or the exception that came before a server's farewell."""
    said = path.read_text("utf-8", "replace").strip().splitlines()
    if not said:
        return "it said nothing"
    if _CONFIG_FAULT in said[-1] or _PORT_FAULT in said[-1]:
        return said[-1]
    return next((line for line in reversed(said) if _ERROR.match(line)), said[-1])


def _install(module: str) -> str:
    return f"pip install '{'fmload[stores]' if module in _IN_STORES else module}'"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for end in (process.terminate, process.kill):
        try:
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
        except TimeoutError:
            end()
        else:
            return
    await process.wait()
