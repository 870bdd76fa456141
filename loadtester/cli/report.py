"""`fmload report`: judge a run directory again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadtester.cli.show import Summary, show


def report(
    directory: Annotated[Path, typer.Argument(help="A run directory, whole or cut short.", metavar="RUN")],
    *,
    summary: Annotated[Summary, typer.Option(help="What to print.")] = Summary.FULL,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> None:
    """Judge a run again from its directory, and write its summary.json anew; a killed run up to its last second."""
    from loadtester import campaign  # noqa: PLC0415  heavy, and --help must be quick

    show(campaign.report(directory, _tell), summary, no_color=no_color)


def _tell(text: str) -> None:
    typer.echo(text, err=True)
