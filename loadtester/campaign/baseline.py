"""The run that another one is compared with: the last good one of its kind, or one that is named."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from loadtester.analysis import Report
from loadtester.analysis.comparison.found import Compared
from loadtester.analysis.comparison.measures import Margins
from loadtester.campaign.compare import compare_runs
from loadtester.campaign.interrupts import Say
from loadtester.errors import Exit, FmloadError
from loadtester.rundir import put, read
from loadtester.rundir.history import asked_of, entry_of, history, latest_good

#: What `--baseline` takes beside a directory.
LATEST_GOOD: Final = "latest-good"


def require_baseline(given: str) -> None:
    """Raise FmloadError, before anything is sent, where a named baseline can't be one."""
    if given == LATEST_GOOD:
        return
    directory = Path(given)
    read(directory, has_counts=False)
    try:
        entry = entry_of(directory)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FmloadError(
            f"the baseline {directory} has no summary that can be read", remedy=f"make one: fmload report {directory}"
        ) from error
    if entry.verdict == "invalid" or entry.status != "complete":
        what = "an invalid run" if entry.verdict == "invalid" else f"not complete ({entry.status})"
        raise FmloadError(
            f"the baseline {directory} is {what}",
            remedy=f"name another run, or let fmload find one: --baseline {LATEST_GOOD}",
        )


def held_against(report: Report, directory: Path, given: str) -> Report:
    """The report of the run in `directory` with its comparison, and 99 among its codes where it is worse.

    Its manifest gets `baseline`: which run it was, from where the run lies, so that it can be compared again.
    """
    base, why_not = _base(directory, report.manifest, given)
    found = Compared(None, None, why_not) if base is None else _compared(base, directory)
    kept = None if base is None else os.path.relpath(base, directory.parent)
    manifest = {**report.manifest, "baseline": kept}
    if not found.is_worse:
        return replace(report, manifest=manifest, against=found)
    manifest["exit_codes"] = _with_99(manifest.get("exit_codes") or ())
    return replace(report, manifest=manifest, against=found, exit_codes=tuple(_with_99(report.exit_codes)))


def kept_baseline(directory: Path, manifest: Mapping[str, Any]) -> str | None:
    """The baseline of a run that was compared before, from its manifest; None where it never was."""
    kept = manifest.get("baseline")
    return str(directory.parent / str(kept)) if kept else None


def keep_manifest(directory: Path, manifest: Mapping[str, Any], say: Say) -> None:
    """Put a run's manifest in its place anew; `say` hears where that fails."""
    try:
        put(directory, "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    except FmloadError as error:
        say(str(error))


def _with_99(codes: Any) -> list[int]:
    return sorted({int(code) for code in codes if code} | {int(Exit.THRESHOLD)})


def _base(directory: Path, manifest: Mapping[str, Any], given: str) -> tuple[Path | None, str]:
    """Where the baseline lies; None, and why, where there is none."""
    if given != LATEST_GOOD:
        return Path(given), ""
    try:
        good = latest_good(history(directory.parent).entries, asked_of(directory, manifest))
    except FmloadError as error:
        return None, error.message
    if good is None:
        return None, "no good run of the same scenario and target before it"
    return directory.parent / good.directory, ""


def _why_not(message: str) -> str:
    """What keeps two runs from being compared, in one line: the reasons alone where the message lists them."""
    head, *reasons = [line.strip().removeprefix("- ") for line in message.splitlines()]
    return "; ".join(reasons) or head


def _compared(base: Path, directory: Path) -> Compared:
    try:
        (comparison,) = compare_runs(base, [directory], Margins(), by="kind")
    except FmloadError as error:
        return Compared(base.name, None, _why_not(error.message))
    return Compared(base.name, comparison)
