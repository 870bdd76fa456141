"""Reads a run directory back, whole or cut short."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtester.errors import FmloadError
from loadtester.model import Series
from loadtester.recorder import Counts, Recording, recording
from loadtester.rundir import hlog, timeline
from loadtester.rundir.writer import SCHEMA


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it lies on the disk: its manifest and what was recorded up to its last whole second."""

    directory: Path
    manifest: dict[str, Any]
    recording: Recording


def read(directory: Path, *, has_counts: bool = True) -> Run:
    """Read a run directory. Raises FmloadError where it is none, or is broken before its last second.

    Without `has_counts` the histograms, which are most of the work, are left unread.
    """
    manifest = _manifest(directory)
    try:
        intervals = list(timeline.read_lines((directory / "timeline.ndjson").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise _broken(directory / "timeline.ndjson", error) from error
    whole = {interval.second for interval in intervals}
    counts: dict[int, dict[Series, Counts]] = defaultdict(dict)
    if not has_counts:
        return Run(directory, manifest, recording(intervals))
    try:
        with (directory / "intervals.hlog").open("rb") as file:
            for second, series, part in hlog.read_lines(file):
                if second in whole:
                    counts[second][series] = part
    except (OSError, ValueError) as error:
        raise _broken(directory / "intervals.hlog", error) from error
    return Run(
        directory,
        manifest,
        recording(replace(interval, counts=counts.get(interval.second, {})) for interval in intervals),
    )


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise FmloadError(
            f"{directory} is not a run directory: it has no manifest.json",
            remedy="name a directory that `fmload run` wrote, such as reports/2026-11-21T07-30-05Z-spike",
        ) from error
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else None
        raise FmloadError(
            f"{path}: schema {found!r} is not the one this version reads ({SCHEMA})",
            remedy="read it with the version of fmload that wrote it",
        )
    return manifest


def _broken(path: Path, error: Exception) -> FmloadError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return FmloadError(f"{path} cannot be read: {reason}", remedy="was it edited or copied in part?")
