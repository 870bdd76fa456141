"""Judge a run: from what was recorded to a Report. Pure; any run can be judged again with other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loadtester.analysis.advice import advise
from loadtester.analysis.figures import Part, Totals, figures, spent, totals
from loadtester.analysis.intervals import with_intervals
from loadtester.analysis.projected import projected
from loadtester.analysis.quotas.calls import CallLog
from loadtester.analysis.quotas.quota import Quota, quota_of
from loadtester.analysis.report import Failure, Figures, Report, Warmup
from loadtester.analysis.resample import Resample
from loadtester.analysis.thresholds.judgement import Evidence, is_failed, judge_thresholds
from loadtester.analysis.validity import judge
from loadtester.cost import PriceTable
from loadtester.errors import Exit
from loadtester.recorder import Recording
from loadtester.scenario.threshold import Threshold
from loadtester.scenario.threshold_list import kept_thresholds

#: Reasons for failures that a report names.
_MOST_FAILURES = 10

DIMENSIONS = ("query", "model", "kind")


def summarise(
    manifest: Mapping[str, Any],
    run: Recording,
    prices: PriceTable,
    calls: CallLog | None = None,
    *,
    thresholds: Sequence[Threshold] | None = None,
    is_strict: bool = False,
    directory: str = "",
) -> Report:
    """The whole report of a run, from its manifest and recording; its `calls`, which it takes, tell of quotas.

    Without `thresholds` the run's own hold. What is too close to call fails if `is_strict`, or if the run was.
    `directory` is where the run lies, for the commands that are advised; "" is where its manifest says.
    """
    whole = totals(run)
    elapsed_s = float(manifest.get("elapsed_s") or len(run.intervals))
    warmup = warmup_of(manifest, run, whole, prices)
    warm_s = warmup.s if warmup else 0.0
    measured_s = max(0.0, elapsed_s - warm_s)
    duration_s = max(0.0, _sending_s(manifest, run) - warm_s)
    planned = sum(interval.planned - interval.warm_planned for interval in run.intervals)
    if manifest.get("lost_workers") and manifest["plan"]["requests"] is not None:
        # A lost worker never said what became due to it: all that was planned counts.
        planned = int(manifest["plan"]["requests"]) - int(manifest["plan"].get("warmup_requests") or 0)
    sent = sum(interval.sent - interval.warm_sent for interval in run.intervals)
    sample = Resample(run)

    def of(part: Part, due: tuple[int, int] | None = None) -> Figures:
        return figures(whole, part, prices, due=due, duration_s=duration_s, elapsed_s=measured_s)

    def judged(part: Part, due: tuple[int, int] | None = None) -> Figures:
        return with_intervals(of(part, due), part, sample, prices, is_whole=due is not None)

    total = judged(lambda _: True, (planned, sent))
    total = replace(total, cost=projected(total, manifest, whole, prices, sample))
    by = {
        dimension: {
            value: judged(lambda key, d=dimension, v=value: getattr(key, d) == v)  # type: ignore[misc]  # bound per turn
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
        quota=_quota(manifest, calls, run),
        warmup=warmup,
        directory=directory or _made_in(manifest),
    )
    is_own = thresholds is None
    results = judge_thresholds(
        kept_thresholds(manifest) if thresholds is None else thresholds,
        Evidence(report, run, whole, of, duration_s + warm_s),
        is_strict=is_strict or bool(manifest["scenario"]["judge"].get("is_strict")),
    )
    return replace(
        report,
        advice=advise(report, whole, prices),
        exit_codes=_exit_codes(manifest, validity.verdict, is_own=is_own, is_kept=not any(map(is_failed, results))),
        thresholds=results,
    )


def warmup_of(manifest: Mapping[str, Any], run: Recording, whole: Totals, prices: PriceTable) -> Warmup | None:
    """What was due in the warm-up; None where there was to be none."""
    warm_s = float(manifest["scenario"].get("load", {}).get("warmup_s") or 0.0)
    if not warm_s:
        return None
    return Warmup(
        s=warm_s,
        requests=sum(interval.warm_planned for interval in run.intervals),
        sent=sum(interval.warm_sent for interval in run.intervals),
        usd=spent(whole.warm, prices),
    )


def _made_in(manifest: Mapping[str, Any]) -> str:
    """Where the run was put when it was made."""
    output = manifest["scenario"].get("output") or {}
    return f"{output.get('directory', 'reports')}/{manifest.get('id', 'RUN')}"


def _quota(manifest: Mapping[str, Any], calls: CallLog | None, run: Recording) -> Quota | None:
    """None where there are no calls, or such as no run has: a report without quotas is better than none."""
    try:
        return None if calls is None else quota_of(manifest, calls, run)
    except (LookupError, ValueError):
        return None


def _sending_s(manifest: Mapping[str, Any], run: Recording) -> float:
    """How long requests were sent, as far as it is on record: the plan's length, or less where it was cut short."""
    planned_s = float(manifest["plan"]["duration_s"])
    if manifest.get("status") in {"running", "aborted"}:
        return min(planned_s, float(len(run.intervals)))
    stopped_s = manifest.get("stopped_s")
    return planned_s if stopped_s is None else min(planned_s, float(stopped_s))


def _exit_codes(manifest: Mapping[str, Any], verdict: str, *, is_own: bool, is_kept: bool) -> tuple[int, ...]:
    # That one of its own thresholds stopped a run says nothing of others.
    codes = {int(code) for code in manifest.get("exit_codes", ()) if is_own or code != Exit.THRESHOLD}
    if manifest.get("status") == "running":  # killed: its manifest still says that it runs
        codes.add(Exit.INTERRUPTED)
    if verdict == "invalid":
        codes.add(Exit.INVALID_RUN)
    if not is_kept:
        codes.add(Exit.THRESHOLD)
    return tuple(sorted(codes)) or (int(Exit.OK),)
