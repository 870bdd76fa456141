"""The instrument's own error on one machine, and where it is kept for reports to quote."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadtester.errors import FmloadError
from loadtester.loop import LOOP


class Step(msgspec.Struct, frozen=True):
    """What was seen at one rate: of so many planned requests, those answered; how late they left; their round trip.

    A round trip is what fmload adds to a service time at the most, as the target takes none of its own to speak of; lag
    comes on top in latency.
    """

    rate_per_s: int
    planned: int
    answered: int
    lag_p50_s: float
    lag_p99_s: float
    round_trip_p50_s: float
    round_trip_p99_s: float


class Calibration(msgspec.Struct, frozen=True):
    """A self-test's figures, and where and when they hold; `max_per_s` is of one process, recording all it does."""

    measured_at: str
    host: str
    fmload: str
    python: str
    loop: str
    cores: int
    clock_step_s: float
    clock_read_s: float
    steps: tuple[Step, ...]
    max_per_s: float
    schema: int = 1


def calibration_file(environ: Mapping[str, str], home: Path, system: str) -> Path:
    """Where the last self-test of this user and machine is kept (XDG Base Directory; Apple's file system basics)."""
    if system == "darwin":
        cache = home / "Library" / "Caches"
    else:
        cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return cache / "fmload" / "calibration.json"


def save(measured: Calibration, file: Path | None = None) -> Path:
    """Keep it for reports to quote; says where. Raises FmloadError where it can't be written."""
    place = file or _usual_file()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(measured)))
        beside.replace(place)
    except OSError as error:
        raise FmloadError(
            f"the calibration can't be kept in {place}: {error.strerror}",
            remedy="make it writable, or set XDG_CACHE_HOME to a place that is",
        ) from error
    return place


def known_calibration(file: Path | None = None) -> Calibration | None:
    """The last self-test, if there is one that this version can read and that was made on this host and loop."""
    try:
        measured = msgspec.json.decode((file or _usual_file()).read_bytes(), type=Calibration)
    except (OSError, msgspec.DecodeError):
        return None
    is_ours = (measured.schema, measured.host, measured.loop) == (1, platform.platform(), LOOP)
    return measured if is_ours else None


def _usual_file() -> Path:
    return calibration_file(os.environ, Path.home(), sys.platform)
