"""Judge a run: from what was recorded to a Report. Pure; any run can be judged again with other prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from loadtester.analysis.advice import advise
from loadtester.analysis.figures import Part, figures, totals
from loadtester.analysis.projected import projected
from loadtester.analysis.quota import Quota, quota_of
from loadtester.analysis.report import Failure, Figures, Report
from loadtester.analysis.validity import judge
from loadtester.cost import PriceTable
from loadtester.errors import Exit
from loadtester.recorder import Recording

#: Reasons for failures that a report names.
_MOST_FAILURES = 10

DIMENSIONS = ("query", "model", "kind")


def summarise(
    manifest: Mapping[str, Any], run: Recording, prices: PriceTable, lines: Iterable[str] | None = None
) -> Report:
    """The whole report of a run, from its manifest and recording; `lines` of its requests.csv tell of quotas."""
    whole = totals(run)
    elapsed_s = float(manifest.get("elapsed_s") or len(run.intervals))
    duration_s = _sending_s(manifest, run)
    planned = sum(interval.planned for interval in run.intervals)
    if manifest.get("lost_workers") and manifest["plan"]["requests"] is not None:
        # A lost worker never said what became due to it: all that was planned counts.
        planned = int(manifest["plan"]["requests"])
    sent = sum(interval.sent for interval in run.intervals)

    def of(part: Part, due: tuple[int, int] | None = None) -> Figures:
        return figures(whole, part, prices, due=due, duration_s=duration_s, elapsed_s=elapsed_s)

    total = of(lambda _: True, (planned, sent))
    total = replace(total, cost=projected(total, manifest, whole, prices))
    by = {
        dimension: {
            value: of(lambda key, d=dimension, v=value: getattr(key, d) == v)  # type: ignore[misc]  # bound per turn
            for value in sorted({getattr(key, dimension) for key in whole.cells})
        }
        for dimension in DIMENSIONS
    }
    validity = judge(manifest, run, whole, total, elapsed_s)
    failures = tuple(
        Failure(outcome.value, detail, count) for (outcome, detail), count in run.failures().most_common(_MOST_FAILURES)
    )
    report = Report(
        manifest=manifest,
        elapsed_s=elapsed_s,
        validity=validity,
        total=total,
        by=by,
        failures=failures,
        quota=_quota(manifest, lines),
    )
    return replace(report, advice=advise(report, whole, prices), exit_codes=_exit_codes(manifest, validity.verdict))


def _quota(manifest: Mapping[str, Any], lines: Iterable[str] | None) -> Quota | None:
    """None where the lines are missing, or are none of a run: a report without them is better than none."""
    try:
        return None if lines is None else quota_of(manifest, lines)
    except (OSError, LookupError, ValueError):
        return None


def _sending_s(manifest: Mapping[str, Any], run: Recording) -> float:
    """How long requests were sent, as far as it is on record: the plan's length, or less where it was cut short."""
    planned_s = float(manifest["plan"]["duration_s"])
    if manifest.get("status") in {"running", "aborted"}:
        return min(planned_s, float(len(run.intervals)))
    stopped_s = manifest.get("stopped_s")
    return planned_s if stopped_s is None else min(planned_s, float(stopped_s))


def _exit_codes(manifest: Mapping[str, Any], verdict: str) -> tuple[int, ...]:
    codes = {int(code) for code in manifest.get("exit_codes", ())}
    if manifest.get("status") == "running":  # killed: its manifest still says that it runs
        codes.add(Exit.INTERRUPTED)
    if verdict == "invalid":
        codes.add(Exit.INVALID_RUN)
    return tuple(sorted(codes)) or (int(Exit.OK),)
