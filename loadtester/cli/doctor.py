"""`fmload doctor`: is this machine fit to measure with?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadtester.errors import Exit

if TYPE_CHECKING:
    from loadtester.doctor import Calibration


def doctor(
    *,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", envvar="FMLOAD_OUT", help="Where run directories will go.")
    ] = Path("reports"),
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Also measure fmload's own error here, on loopback: about 10 s.")
    ] = False,
) -> None:
    """Check this machine before a run: descriptors, cores, limits, clock, ports, event loop, TLS, disk."""
    from loadtester.doctor import Level, checks, known_calibration  # noqa: PLC0415  heavy, and --help must be quick

    found = checks(out)
    for check in found:
        typer.echo(f"{check.level:<5}{check.subject:<18}{check.found}")
        if check.remedy:
            typer.echo(f"     {'':<18}{check.remedy}")
    if calibrate:
        _calibrate()
    elif (known := known_calibration()) is not None:
        typer.echo(f"\nmeasured {known.measured_at}{_shown(known)}")
    if any(check.level is Level.FAIL for check in found):
        raise typer.Exit(Exit.THRESHOLD)


def _calibrate() -> None:
    from loadtester import doctor as room  # noqa: PLC0415

    typer.echo("measuring on loopback …", err=True)
    measured = room.calibrate()
    typer.echo(_shown(measured))
    typer.echo(f"kept in {room.save(measured)}", err=True)


def _shown(measured: Calibration) -> str:
    """The figures as a person reads them."""
    lines = [
        "",
        f"time resolution   {measured.clock_step_s * 1e9:,.0f} ns",
        f"maximum rate      {measured.max_per_s:,.0f}/s from one process (REST, 64 in flight)",
        "",
        "rate       answered   lag p50     lag p99     round trip p50   p99",
    ]
    lines += [
        f"{step.rate_per_s:>6,}/s   {step.answered / step.planned:7.1%}   {_ms(step.lag_p50_s)}   {_ms(step.lag_p99_s)}"
        f"   {_ms(step.round_trip_p50_s):<14}   {_ms(step.round_trip_p99_s)}"
        for step in measured.steps
    ]
    return "\n".join(lines)


def _ms(duration_s: float) -> str:
    return f"{duration_s * 1e3:6.2f} ms"
