"""A run that has just ended, held against its baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from loadtester.errors import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from loadtester.analysis import Report


def held_against(report: Report, root: Path, baseline: str, *, is_silent: bool) -> Report:
    """Print the comparison to stderr; the report, with exit code 99 among its own where the run is worse."""
    from loadtester.campaign.baseline import compared  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.reporters.comparison import comparison_text  # noqa: PLC0415

    found = compared(root / str(report.manifest["id"]), baseline)
    if found.comparison is None:
        typer.echo(f"fmload: not compared: {found.why_not}", err=True)
    elif not is_silent:
        typer.echo(comparison_text([found.comparison]), err=True)
    if not found.is_worse:
        return report
    codes = {code for code in report.exit_codes if code} | {int(Exit.THRESHOLD)}
    return replace(report, exit_codes=tuple(sorted(codes)))
