"""`fmload history`: all runs of a directory, scenario by scenario, and where their figures changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from loadtester.errors import Exit, FmloadError


class Form(StrEnum):
    """What `--summary` takes."""

    FULL = "full"
    JSON = "json"


def history(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the run directories are.", envvar="FMLOAD_OUT")
    ] = Path("reports"),
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this name.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only runs of the last 30d, 12h, …")] = None,
    summary: Annotated[Form, typer.Option(help="What to print.")] = Form.FULL,
) -> None:
    """Show the runs under DIR: p95, first token, throttling and cost from run to run, and where they changed.

    Invalid runs and those cut short are listed, but left out of the trend.
    """
    from loadtester.analysis.comparison.trends import trends  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.reporters.history_text import history_json, history_text  # noqa: PLC0415
    from loadtester.rundir.history import history as read_history  # noqa: PLC0415

    earliest = _earliest(since)
    found = read_history(directory)
    if found.cache_fault is not None:
        typer.echo(f"fmload: {found.cache_fault}; the history is whole, but slower to read", err=True)
    entries = [
        entry for entry in found.entries if name in (None, entry.name) and (not earliest or entry.started_at > earliest)
    ]
    if name is not None and not any(entry.name == name for entry in found.entries):
        raise _unknown(name, directory, sorted({entry.name for entry in found.entries}))
    if summary is Form.JSON:
        typer.echo(json.dumps(history_json(trends(entries), found.skipped), indent=2, ensure_ascii=False))
    else:
        typer.echo(history_text(trends(entries), found.skipped), nl=False)


def _earliest(since: str | None) -> datetime | None:
    from loadtester.scenario.units import UnfitError, duration_s  # noqa: PLC0415

    if since is None:
        return None
    try:
        return datetime.now(UTC) - timedelta(seconds=duration_s(since))
    except (UnfitError, OverflowError) as error:
        raise FmloadError(
            f"--since: {since[:40]!r} is no length of time", remedy="write 30d, 12h or 90m", code=Exit.USAGE
        ) from error


def _unknown(name: str, directory: Path, known: list[str]) -> FmloadError:
    from loadtester.scenario.suggestion import one_of  # noqa: PLC0415

    remedy = one_of(name, known) if known else "run something first: fmload run"
    return FmloadError(f"no run under {directory} is called {name[:60]!r}", remedy=remedy, code=Exit.USAGE)
