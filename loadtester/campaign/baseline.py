"""The run that another one is compared with: the last good one of its kind, or one that is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtester.analysis.comparison import Comparison
from loadtester.analysis.measures import Margins
from loadtester.campaign.compare import compare_runs
from loadtester.errors import FmloadError
from loadtester.rundir import read
from loadtester.rundir.history import entry_of, history, latest_good

#: What `--baseline` takes beside a directory.
LATEST_GOOD: Final = "latest-good"


@dataclass(frozen=True, slots=True)
class Compared:
    """A run held against its `baseline`; where `comparison` is None, `why_not` says why."""

    baseline: str | None
    comparison: Comparison | None
    why_not: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether any figure is clearly worse than the baseline's."""
        return self.comparison is not None and self.comparison.verdict == "worse"


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


def compared(directory: Path, given: str) -> Compared:
    """Hold the run in `directory` against its baseline; where that can't be done, why."""
    base = Path(given)
    if given == LATEST_GOOD:
        try:
            known = history(directory.parent).entries
        except FmloadError as error:
            return Compared(None, None, error.message)
        mine = next((entry for entry in known if entry.directory == directory.name), None)
        good = latest_good(known, mine) if mine is not None else None
        if good is None:
            return Compared(None, None, "no good run of the same scenario and target before it")
        base = directory.parent / good.directory
    try:
        (comparison,) = compare_runs(base, [directory], Margins(), by="kind")
    except FmloadError as error:
        return Compared(base.name, None, " ".join(error.message.split()))
    return Compared(base.name, comparison)
