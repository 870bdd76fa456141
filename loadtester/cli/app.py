"""The `fmload` command: its verbs, and what becomes of an error."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from loadtester import __version__
from loadtester.cli import compare, cost, doctor, history, nightly, plan, report, run, scenarios, search, serve
from loadtester.cli.examples import epilog
from loadtester.cli.streams import write_whole
from loadtester.errors import Exit, FmloadError

_EPILOG = """Examples:

fmload run --pattern spike              the bundled chat service, a 10x spike

fmload run https://chat.example.com -r 20/s -d 5m --slo 3s

fmload run openai+http://127.0.0.1:8000/v1 --model NAME --pattern ramp

fmload run --trace azure.csv --speed 5 -d 1m           replay a real trace

fmload report reports/2026-11-21T07-30-05Z-spike       judge a run again

fmload compare reports/BASE reports/NEW                is it worse than it was?
"""

app = typer.Typer(
    name="fmload",
    help="Load-test applications built on foundation models: latency from the moment a request was due, "
    "throttling, tokens and the bill.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command("run", epilog=epilog("run"))(run.run)
app.command("plan", epilog=epilog("plan"))(plan.plan)
app.command("search", epilog=epilog("search"))(search.search)
app.command("report", epilog=epilog("report"))(report.report)
app.command("compare", epilog=epilog("compare"))(compare.compare)
app.command("cost", epilog=epilog("cost"))(cost.cost)
app.command("nightly", epilog=epilog("nightly"))(nightly.nightly)
app.command("history", epilog=epilog("history"))(history.history)
app.command("serve", epilog=epilog("serve"))(serve.serve)
app.command("scenarios", epilog=epilog("scenarios"))(scenarios.scenarios)
app.command("schema", epilog=epilog("schema"))(scenarios.schema)
app.command("doctor", epilog=epilog("doctor"))(doctor.doctor)


@app.command("version")
def show_version() -> None:
    """Print the version."""
    typer.echo(f"fmload {__version__}")


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Load-test applications built on foundation models."""
    if version:
        show_version()
        raise typer.Exit


def main() -> None:
    """Run the command line; every error a user can mend becomes a message and its exit code."""
    write_whole()
    try:
        app()
    except FmloadError as error:
        typer.echo(f"fmload: {error}", err=True)
        sys.exit(int(error.code))
    except KeyboardInterrupt:
        typer.echo("fmload: interrupted", err=True)
        sys.exit(int(Exit.INTERRUPTED))
    except BrokenPipeError:
        _leave_quietly()
    except SystemExit as end:
        # What click and rich make of a broken pipe.
        if isinstance(end.__context__, BrokenPipeError):
            _leave_quietly()
        raise
    except Exception as fault:
        if os.environ.get("FMLOAD_DEBUG"):
            raise
        typer.echo(
            f"fmload: a fault of fmload's own: {type(fault).__name__}: {fault}\n"
            "  set FMLOAD_DEBUG=1 to see where, and report it",
            err=True,
        )
        sys.exit(int(Exit.FAULT))


def _leave_quietly() -> NoReturn:
    """Whoever read our output has gone, and there is nobody left to tell; the code is that of a shell's SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)
