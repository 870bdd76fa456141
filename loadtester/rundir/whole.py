"""Holds the files of a run directory against each other: one that lost lines would tell wrong figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtester.errors import FmloadError
from loadtester.model import Outcome
from loadtester.recorder import Interval

#: Of a run that was killed, or whose disk was full: its files end where they were.
_CUT_SHORT: Final = frozenset({"running", "aborted"})
#: The run's end may lie a moment into a second that has nothing in it.
_MISSING_S: Final = 2.0


def require_seconds(directory: Path, manifest: Mapping[str, Any], intervals: Sequence[Interval]) -> None:
    """Raise FmloadError where the timeline lacks seconds, or requests that a complete run had planned."""
    seconds = [interval.second for interval in intervals]
    path = directory / "timeline.ndjson"
    if seconds != list(range(len(seconds))):
        place = next(place for place, second in enumerate(seconds) if second != place)
        raise _broken(f"{path}, line {place + 1}: second {seconds[place]}, where second {place} should be")
    elapsed_s = manifest.get("elapsed_s") if manifest.get("status") == "complete" else None
    # After a long stall at its very end a run may lack seconds, too; but nothing is in flight then.
    is_open = not intervals or intervals[-1].in_flight > 0
    if is_open and isinstance(elapsed_s, int | float) and len(seconds) + _MISSING_S <= elapsed_s:
        raise _broken(f"{path} ends after {len(seconds):,} s, and the run took {elapsed_s:.1f} s")
    requests = _requests(manifest)
    planned = sum(interval.planned for interval in intervals)
    if requests is not None and planned != requests:
        raise _broken(f"{path} has {planned:,} of the {requests:,} requests that were planned")


def agreed(
    directory: Path,
    manifest: Mapping[str, Any],
    lines: Sequence[tuple[Interval, int | None]],
    histograms: Mapping[int, int],
    latencies: Mapping[int, int],
) -> Sequence[Interval]:
    """The seconds all of whose histograms are there, with a latency of each ok answer.

    `lines` has of each second how many histograms it wrote, where that is known; `histograms` and `latencies` are
    how many there are, by second. A run that was killed has lost what its histograms lack at their end. Raises
    FmloadError where anything else is missing; only the last second of a run that is not complete may be in part
    there.
    """
    status = manifest.get("status")
    intervals = [interval for interval, _ in lines]
    faults = (
        (one.second, _fault(one, wanted, histograms, latencies))
        for one, wanted in (lines if status == "complete" else lines[:-1])
    )
    off, fault = next(((second, fault) for second, fault in faults if fault), (None, ""))
    path = directory / "intervals.hlog"
    if off is None:
        beyond = [second for second in histograms if second >= len(intervals)]
        if beyond and status not in _CUT_SHORT:
            raise _broken(
                f"{directory / 'timeline.ndjson'} lacks second {min(beyond)}, of which {path.name} has histograms"
            )
        return intervals
    if status in _CUT_SHORT and max(histograms, default=0) <= off:
        return intervals[:off]
    raise _broken(f"{path} has {fault}")


def require_rows(directory: Path, manifest: Mapping[str, Any], intervals: Sequence[Interval], n_rows: int) -> None:
    """Raise FmloadError where requests.csv lacks requests whose outcome is on record.

    It may have more where the run was killed: rows are written before the second's line.
    """
    counted = requests_in(intervals)
    if n_rows < counted or (n_rows > counted and manifest.get("status") not in _CUT_SHORT):
        raise _broken(f"{directory / 'requests.csv.gz'} has {n_rows:,} of the {counted:,} requests on record")


def requests_in(intervals: Sequence[Interval]) -> int:
    """How many requests have their outcome on record, with those of a warm-up."""
    parts = (part for one in intervals for part in (one.cells, one.warm))
    return sum(cell.count for part in parts for cell in (part or {}).values())


def _fault(one: Interval, wanted: int | None, histograms: Mapping[int, int], latencies: Mapping[int, int]) -> str:
    """What the histograms of a second lack; "" where it is nothing."""
    if _ok(one) != latencies.get(one.second, 0):
        told = latencies.get(one.second, 0)
        return f"{told:,} latencies of second {one.second}, in which {_ok(one):,} requests ended ok"
    if wanted is not None and wanted != histograms.get(one.second, 0):
        return f"{histograms.get(one.second, 0):,} of the {wanted:,} histograms of second {one.second}"
    return ""


def _ok(interval: Interval) -> int:
    return sum(cell.count for key, cell in (interval.cells or {}).items() if key.outcome is Outcome.OK)


def _requests(manifest: Mapping[str, Any]) -> int | None:
    """How many requests have to be on record; None where users decided that, or the run did not come to its end."""
    plan = manifest.get("plan")
    requests = plan.get("requests") if isinstance(plan, dict) else None
    is_whole = manifest.get("status") == "complete" and manifest.get("stopped_s") is None
    return requests if is_whole and isinstance(requests, int) else None


def _broken(message: str) -> FmloadError:
    return FmloadError(message, remedy="was it edited or copied in part? copy the whole run directory again")
