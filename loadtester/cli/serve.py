"""`fmload serve`: the bundled target in the foreground."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from loadtester.errors import Exit, FmloadError


def serve(
    *,
    port: Annotated[int, typer.Option(help="MangaAssist's port; 0 takes a free one.", min=0, max=65535)] = 8080,
    bedrock_port: Annotated[
        int, typer.Option(help="The emulator's port; 0 takes a free one.", min=0, max=65535)
    ] = 8081,
    time_scale: Annotated[float, typer.Option(help="Length of every simulated wait; 0 is none.", min=0)] = 1.0,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option(help="Quota of each model; 0 is unlimited. Without it, the file's, or 100000.", min=0),
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Legacy quota of each model.", min=1)] = None,
    window: Annotated[
        Literal["bucket", "minute"] | None,
        typer.Option(help="How a minute is counted. Without it, as the file says, or a bucket."),
    ] = None,
    model_connections: Annotated[int, typer.Option(help="MangaAssist's connections to Bedrock.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the emulator's latencies and answers.")] = 1,
    config: Annotated[
        Path | None,
        typer.Option(help="YAML: the target's stores, caches, faults; see docs/mangaassist.md.", exists=True),
    ] = None,
    log: Annotated[Path, typer.Option(help="Where the directory of the logs goes: one line a request.")] = Path(
        "reports"
    ),
) -> None:
    """Serve the bundled MangaAssist and the Bedrock emulator on loopback until Ctrl-C."""
    import asyncio  # noqa: PLC0415  heavy, and --help must be quick
    import signal  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    from loadtester.bundled import bundled_target  # noqa: PLC0415
    from loadtester.rundir import new_directory  # noqa: PLC0415
    from loadtester.scenario import Bundled  # noqa: PLC0415

    try:
        logs = new_directory(log, "serve", datetime.now(UTC))
    except FmloadError as error:
        remedy = "free space there or choose another place with --log DIR"
        raise FmloadError(error.message, remedy=remedy, code=error.code) from error
    # Without a file, what was left out has the emulator's own defaults.
    settings = Bundled(
        seed, time_scale, tokens_per_minute or 0, requests_per_minute, model_connections, window or "bucket"
    )
    limits = {"tokens_per_minute": tokens_per_minute, "requests_per_minute": requests_per_minute, "window": window}
    unsaid = [name for name, value in limits.items() if value is None]

    async def stand() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with bundled_target(
            settings, logs, port=port, bedrock_port=bedrock_port, config=config, unsaid=unsaid
        ) as urls:
            typer.echo(f"MangaAssist  {urls.app}  (WebSocket {urls.app.replace('http', 'ws', 1)}/ws)")
            typer.echo(f"Bedrock      {urls.bedrock}")
            typer.echo(f"logs         {logs}\nCtrl-C stops both.", err=True)
            ended = await urls.until_ended(stop)
        if ended:
            raise FmloadError(ended, remedy=f"its log is in {logs}", code=Exit.UNREACHABLE)

    try:
        asyncio.run(stand())
    finally:
        with suppress(OSError):  # not empty: it has the logs
            logs.rmdir()
