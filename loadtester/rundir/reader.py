"""Reads a run directory back, whole or cut short."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtester.errors import FmloadError
from loadtester.recorder import Gatherer, OneSecond, Recording, recording
from loadtester.rundir import hlog, timeline
from loadtester.rundir.whole import agreed, require_seconds
from loadtester.rundir.writer import SCHEMA


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it lies on the disk: its manifest and what was recorded up to its last whole second."""

    directory: Path
    manifest: dict[str, Any]
    recording: Recording


def read(directory: Path, *, has_counts: bool = True) -> Run:
    """Read a run directory. Raises FmloadError where it is none, or its files don't agree before its last second.

    Without `has_counts` the histograms, which are most of the work, are left unread.
    """
    manifest = _manifest(directory)
    try:
        lines = list(timeline.read_lines((directory / "timeline.ndjson").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise _broken(directory / "timeline.ndjson", error) from error
    intervals = [interval for interval, _ in lines]
    require_seconds(directory, manifest, intervals)
    if not has_counts:
        return Run(directory, manifest, recording(intervals))
    gatherer = Gatherer()
    histograms: Counter[int] = Counter()
    latencies: Counter[int] = Counter()
    try:
        with (directory / "intervals.hlog").open("rb") as file:
            for batch in hlog.read_lines(file):
                histograms.update(batch.seconds)
                for second, series, total in zip(batch.seconds, batch.series, batch.totals(), strict=True):
                    if series.is_ok and series.metric == "latency":
                        latencies[second] += total
                gatherer.add(batch)
        seconds = agreed(directory, manifest, lines, histograms, latencies)
        columns = gatherer.columns(len(seconds))
    except (OSError, ValueError, OverflowError) as error:
        raise _broken(directory / "intervals.hlog", error) from error
    whole = recording(replace(one, counts=OneSecond(columns, one.second)) for one in seconds)
    return Run(directory, manifest, replace(whole, known=columns))


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
