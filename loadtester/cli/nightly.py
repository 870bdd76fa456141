"""`fmload nightly`: a suite of scenarios one after another, each held against its last good run."""

from __future__ import annotations

import json as json_text
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadtester.cli.amounts import amount
from loadtester.cli.night_forecast import forecast_json, forecast_page
from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtester.analysis.comparison.night import Night

_GATES = "Gates and reports"
#: GitHub shows what a job appends to this file.
_STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"


class Webhook(StrEnum):
    """What `--webhook` takes."""

    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    NEVER = "never"


class Baseline(StrEnum):
    """What `--baseline` takes for a night."""

    LATEST_GOOD = "latest-good"
    NONE = "none"


def nightly(
    suite: Annotated[
        str, typer.Argument(metavar="SUITE", help="A suite that comes with fmload (all, ci), or a YAML file.")
    ] = "all",
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="As for `fmload run`; without one, the bundled MangaAssist.")
    ] = None,
    *,
    protocol: Annotated[str | None, typer.Option(metavar="NAME", help="ws, rest, sse, openai or bedrock.")] = None,
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", help="'Name: value' sent with each request. Repeatable.")
    ] = None,
    time_scale: Annotated[
        float | None, typer.Option(metavar="X", help="Bundled target: length of every simulated wait.")
    ] = None,
    tokens_per_minute: Annotated[
        int | None, typer.Option(metavar="N", help="Bundled target: quota of each model; 0 is unlimited.")
    ] = None,
    out: Annotated[str | None, typer.Option("-o", "--out", metavar="DIR", help="Where run directories go.")] = None,
    max_cost: Annotated[
        str | None, typer.Option(metavar="USD", help="Of the whole night: each scenario gets what is left.")
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Don't ask whether the night may cost what it may.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing: say how long each scenario takes, and what it costs.")
    ] = False,
    baseline: Annotated[
        Baseline, typer.Option(help="What each run is compared with.", rich_help_panel=_GATES)
    ] = Baseline.LATEST_GOOD,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML here too.", rich_help_panel=_GATES)
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the Markdown summary here too.", rich_help_panel=_GATES)
    ] = None,
    webhook: Annotated[
        Webhook, typer.Option(help="When to tell the webhook in FMLOAD_WEBHOOK_URL.", rich_help_panel=_GATES)
    ] = Webhook.ON_FAILURE,
    json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout, nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> None:
    """Run a SUITE of scenarios against TARGET, compare each with its last good run, and sum the night up.

    One scenario's failure doesn't stop the others. The exit code is that of the worst.
    """
    from loadtester.campaign import nightly as night_of  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.cli.watch import watch_of  # noqa: PLC0415
    from loadtester.scenario.suite import read_suite  # noqa: PLC0415

    flags = {
        "target.url": target,
        "target.protocol": protocol,
        "target.headers": header or None,
        "bundled.time_scale": time_scale,
        "bundled.tokens_per_minute": tokens_per_minute,
        "output.directory": out,
    }
    given = {path: value for path, value in flags.items() if value is not None}
    cap = None if max_cost is None else amount("--max-cost", max_cost)
    plan = read_suite(suite, given, os.environ)
    if dry_run:
        forecast_text = forecast_json if json else forecast_page
        typer.echo(forecast_text(plan, list(night_of.forecasts(plan))), nl=False)
        return
    url = _webhook_url(webhook)
    for file in (junit, markdown):
        _require_file(file)
    terms = night_of.Terms(cap, baseline.value if baseline is Baseline.LATEST_GOOD else None)
    night_of.require_suite(plan, terms)
    if not yes and cap is None:
        from loadtester.cli.consent import require_consent  # noqa: PLC0415

        require_consent(*(entry.scenario for entry in plan.entries))
    night, directory = night_of.run_night(
        plan, terms, lambda scenario: watch_of(scenario, quiet=quiet, no_color=no_color), _tell(quiet=quiet)
    )
    _write(night, junit, markdown)
    if url is not None and (webhook is Webhook.ALWAYS or night.exit_code):
        _notify(url, night)
    _show(night, directory, is_json=json)
    raise typer.Exit(night.exit_code)


def _show(night: Night, directory: Path, *, is_json: bool) -> None:
    from loadtester.campaign.nightly import night_json  # noqa: PLC0415
    from loadtester.reporters.night_text import night_text  # noqa: PLC0415

    if is_json:
        typer.echo(json_text.dumps(night_json(night), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{night_text(night)}{directory}", err=True)


def _write(night: Night, junit: Path | None, markdown: Path | None) -> None:
    """Put the night where it was asked for; where that fails now, say so: the night's own directory has it too."""
    from loadtester.reporters.junit import night_xml  # noqa: PLC0415
    from loadtester.reporters.markdown import night_markdown  # noqa: PLC0415

    page = night_markdown(night).encode()
    summary = os.environ.get(_STEP_SUMMARY)
    for path, data, mode in (
        (junit, night_xml(night), "wb"),
        (markdown, page, "wb"),
        (Path(summary) if summary else None, page, "ab"),
    ):
        if path is None:
            continue
        try:
            with path.open(mode) as file:
                file.write(data)
        except OSError as error:
            typer.echo(f"fmload: cannot write {path}: {error.strerror or error}", err=True)


def _require_file(path: Path | None) -> None:
    """Raise FmloadError, before the night begins, where a file of its results can't be written."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise FmloadError(
            f"cannot write {path}: {error.strerror or error}", remedy="choose another file", code=Exit.USAGE
        ) from error


def _webhook_url(webhook: Webhook) -> str | None:
    from loadtester.campaign.webhook import VARIABLE, require_url  # noqa: PLC0415

    url = os.environ.get(VARIABLE, "").strip()
    if webhook is Webhook.NEVER or (not url and webhook is Webhook.ON_FAILURE):
        return None
    if not url:
        raise FmloadError(
            f"--webhook {webhook.value} needs {VARIABLE}",
            remedy=f"set {VARIABLE} in the environment; it is a secret, so there is no flag for it",
            code=Exit.USAGE,
        )
    require_url(url)
    return url


def _notify(url: str, night: Night) -> None:
    from loadtester.campaign.webhook import notify  # noqa: PLC0415

    fault = notify(url, night)
    if fault is not None:
        typer.echo(f"fmload: {fault}", err=True)


def _tell(*, quiet: bool) -> Callable[[str], None]:
    def tell(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201  progress

    return tell
