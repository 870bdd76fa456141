"""`fmload compare`: is a run worse than another, and how sure is that?"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from loadtester.analysis.comparison.found import Attribution, Comparison


class Printed(StrEnum):
    """What `--summary` takes."""

    FULL = "full"
    JSON = "json"
    MARKDOWN = "markdown"


class By(StrEnum):
    """What `--by` takes."""

    QUERY = "query"
    MODEL = "model"
    KIND = "kind"


class FailOn(StrEnum):
    """What `--fail-on` takes: `unclear` fails on worse, too."""

    WORSE = "worse"
    UNCLEAR = "unclear"


def compare(
    base: Annotated[Path, typer.Argument(help="The run to compare with.", metavar="BASE", show_default=False)],
    new: Annotated[list[Path], typer.Argument(help="Runs to hold against it.", metavar="NEW…", show_default=False)],
    *,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            help="A difference within it is none: 5% for all but shares, ttft=10% or sla=1% for some. Repeatable.",
            metavar="[NAME=]PCT",
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="Split the traffic by this, too.")] = By.QUERY,
    attribute: Annotated[
        bool, typer.Option("--attribute", help="BASE went through an app, NEW straight at its model: the app's share.")
    ] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 99 on this.")] = FailOn.WORSE,
    force: Annotated[bool, typer.Option("--force", help="Compare unlike, invalid or cut short runs, too.")] = False,
    summary: Annotated[Printed, typer.Option(help="What to print.")] = Printed.FULL,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it here, not to stdout.", metavar="FILE")
    ] = None,
) -> None:
    """Compare runs: differences with 95 % intervals, and better, worse, same or unclear for each.

    Exits with 99 on worse. Runs that asked for different things are refused (104), with what differs.
    """
    if attribute:
        _require_plain(new, margin, by, fail_on)
        _attribute(base, new[0], summary, out, is_forced=force)
        return
    from loadtester.analysis.comparison.measures import margins  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.campaign.compare import compare_runs  # noqa: PLC0415
    from loadtester.reporters.comparison import (  # noqa: PLC0415
        comparison_json,
        comparison_markdown,
        comparison_text,
    )

    found = compare_runs(base, new, margins(margin or ()), by=by.value, is_forced=force)
    shown: dict[Printed, Callable[[list[Comparison]], str]] = {
        Printed.FULL: comparison_text,
        Printed.JSON: comparison_json,
        Printed.MARKDOWN: comparison_markdown,
    }
    _put(shown[summary](found), out)
    failing = {"worse"} | ({"unclear"} if fail_on is FailOn.UNCLEAR else set())
    if any(one.verdict in failing for one in found):
        raise typer.Exit(int(Exit.THRESHOLD))


def _require_plain(new: list[Path], margin: list[str] | None, by: By, fail_on: FailOn) -> None:
    if len(new) != 1 or margin or by is not By.QUERY or fail_on is not FailOn.WORSE:
        raise FmloadError(
            "--attribute takes one run through the app and one straight at the model, and judges nothing",
            remedy="fmload compare --attribute APP_RUN MODEL_RUN, without --margin, --by and --fail-on",
            code=Exit.USAGE,
        )


def _attribute(app: Path, model: Path, summary: Printed, out: Path | None, *, is_forced: bool) -> None:
    from loadtester.campaign.compare import attribute_runs  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.reporters.attributed import (  # noqa: PLC0415
        attribution_json,
        attribution_markdown,
        attribution_text,
    )

    shown: dict[Printed, Callable[[Attribution], str]] = {
        Printed.FULL: attribution_text,
        Printed.JSON: attribution_json,
        Printed.MARKDOWN: attribution_markdown,
    }
    _put(shown[summary](attribute_runs(app, model, is_forced=is_forced)), out)


def _put(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FmloadError(
            f"cannot write {out}: {error.strerror or error}", remedy="name a file in a directory that is there"
        ) from error
