"""`fmload scenarios` and `fmload schema`: what can be run, and how a scenario file is written."""

from __future__ import annotations

import json

import typer


def scenarios() -> None:
    """List the built-in scenarios; run one with `fmload run -f NAME`."""
    from loadtester.scenario import named_scenarios  # noqa: PLC0415  heavy, and --help must be quick

    for name, description in named_scenarios():
        typer.echo(f"{name:<14}{description}")


def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from loadtester.scenario import json_schema  # noqa: PLC0415

    typer.echo(json.dumps(json_schema(), indent=2))
