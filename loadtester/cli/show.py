"""Put a report where it was asked for, and leave with its exit code."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from loadtester.analysis import Report


class Summary(StrEnum):
    """What `--summary` takes."""

    FULL = "full"
    COMPACT = "compact"
    JSON = "json"
    NONE = "none"


def say_where(report: Report, summary: Summary) -> None:
    """Say, unless nothing is to be printed, in which directory the run lies, and where the page to open is."""
    if summary is Summary.NONE:
        return
    typer.echo(report.directory, err=True)
    page = Path(report.directory) / "report.html"
    if page.is_file():
        typer.echo(f"report: {page}", err=True)


def show(report: Report, summary: Summary, *, no_color: bool) -> None:
    """Print the report (people's to stderr, machines' to stdout) and exit with its code.

    Where people are shown no summary they are told why, if the code is not 0.
    """
    from rich.console import Console  # noqa: PLC0415  heavy, and --help must be quick

    from loadtester.reporters import exit_code, print_summary, summary_text  # noqa: PLC0415
    from loadtester.reporters.exit_reasons import exit_reasons  # noqa: PLC0415

    if summary is Summary.JSON:
        typer.echo(summary_text(report), nl=False)
    elif summary is not Summary.NONE:
        console = Console(stderr=True, no_color=no_color or None)
        if not console.is_terminal:
            console = Console(stderr=True, no_color=True, width=150)
        print_summary(report, console, is_compact=summary is Summary.COMPACT)
    if summary in (Summary.JSON, Summary.NONE):
        for reason in exit_reasons(report):
            typer.echo(f"fmload: {reason}", err=True)
    raise typer.Exit(exit_code(report))
