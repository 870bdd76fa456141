"""`fmload report`: judge a run directory again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadtester.cli.show import Summary, say_where, show


def report(
    directory: Annotated[Path, typer.Argument(help="A run directory, whole or cut short.", metavar="RUN")],
    *,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="Hold it against this instead of its own: 'latency:p(95)<3s'. Repeatable."),
    ] = None,
    strict_ci: Annotated[
        bool, typer.Option("--strict-ci", help="A threshold that is too close to call fails.")
    ] = False,
    reports: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="FORMAT", help="Also write csv, hlog, junit or parquet. Repeatable."),
    ] = None,
    exchanges: Annotated[
        bool, typer.Option("--exchanges", help="Print the exchanges that were kept, and nothing else.")
    ] = False,
    summary: Annotated[Summary, typer.Option(help="What to print.")] = Summary.FULL,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Don't say where the run lies.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> None:
    """Judge a run again from its directory; write summary.json and report.html anew. Killed: to its last second.

    With --threshold or --strict-ci it only tells: what the run was found to be stays.
    """
    if exchanges:
        from loadtester.cli.exchanges import print_exchanges  # noqa: PLC0415  heavy, and --help must be quick

        print_exchanges(directory, is_json=summary is Summary.JSON)
        return
    from loadtester import campaign  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.campaign.exports import formats  # noqa: PLC0415
    from loadtester.scenario.threshold_list import given_thresholds  # noqa: PLC0415

    wanted = formats(reports or ())
    limits = given_thresholds(threshold) if threshold else None
    judged = campaign.report(directory, _tell, thresholds=limits, is_strict=strict_ci, exports=wanted)
    if not quiet:
        say_where(judged, summary)
    show(judged, summary, no_color=no_color)


def _tell(text: str) -> None:
    typer.echo(text, err=True)
