"""`fmload report RUN --exchanges`: prompts and answers that the run kept."""

from __future__ import annotations

from pathlib import Path

import typer

from loadtester.errors import FmloadError
from loadtester.reporters.exchange_text import exchanges_text
from loadtester.rundir import read
from loadtester.rundir.exchanges import keep_of, line, read_exchanges


def print_exchanges(directory: Path, *, is_json: bool) -> None:
    """Print them to stdout, as text or one JSON object a line. Raises FmloadError where there are none."""
    manifest = read(directory, has_counts=False).manifest
    kept = read_exchanges(directory, manifest)
    if not kept:
        asked = keep_of(manifest)
        raise FmloadError(
            f"{directory} has no kept exchanges" + ("" if asked else ": the run was to keep none"),
            remedy="no request was sent, or all were stopped" if asked else "run it with --keep 20",
        )
    if is_json:
        typer.echo(b"".join(map(line, kept)), nl=False)
    else:
        typer.echo(exchanges_text(kept))
