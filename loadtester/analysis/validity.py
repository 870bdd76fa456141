"""The run's verdict on itself: was the load delivered as planned, and can its figures be trusted?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loadtester.analysis.figures import Totals
from loadtester.analysis.report import Figures, Reason, Validity, Verdict
from loadtester.recorder import Recording

#: The order of severity.
_VERDICTS: tuple[Verdict, ...] = ("valid", "suspect", "invalid")

_SUSPECT_UNDELIVERED = 0.01
_INVALID_UNDELIVERED = 0.05
_LAG_FLOOR_S = 0.050
_LAG_SHARE_OF_GAP = 0.05
_BUSY_CORE = 0.9
_LITTLE_TOLERANCE = 0.10
_LITTLE_MIN_IN_FLIGHT = 5.0
_MIN_SAMPLES = 59


def judge(manifest: Mapping[str, Any], run: Recording, whole: Totals, total: Figures, elapsed_s: float) -> Validity:
    """The verdict, worst reason first; docs/measurement.md lists what is looked at."""
    reasons = [
        *_delivered(total),
        *_lag(manifest, total),
        *_processor(run, manifest),
        *_little(run, total, elapsed_s),
        *_clipped(whole),
        *_usage(total),
        *_samples(total),
    ]
    reasons.sort(key=lambda reason: _VERDICTS.index(reason.verdict), reverse=True)
    return Validity(reasons[0].verdict if reasons else "valid", tuple(reasons))


def _delivered(total: Figures) -> Iterator[Reason]:
    funnel = total.funnel
    missing = funnel.dropped + funnel.unfinished
    share = missing / funnel.planned if funnel.planned else 0.0
    if share <= _SUSPECT_UNDELIVERED:
        return
    yield Reason(
        "undelivered",
        f"{missing:,} of {funnel.planned:,} planned requests were not sent ({share:.1%}): "
        f"{funnel.dropped:,} dropped at the in-flight cap, {funnel.unfinished:,} without an outcome",
        {"planned": funnel.planned, "dropped": funnel.dropped, "unfinished": funnel.unfinished, "share": share},
        "invalid" if share > _INVALID_UNDELIVERED else "suspect",
    )


def _lag(manifest: Mapping[str, Any], total: Figures) -> Iterator[Reason]:
    lag_s = total.lag.p99
    plan = manifest["plan"]
    if lag_s is None or not plan["requests"]:
        return
    limit_s = max(_LAG_FLOOR_S, _LAG_SHARE_OF_GAP * plan["duration_s"] / plan["requests"])
    if lag_s > limit_s:
        yield Reason(
            "lag",
            f"generator, not target: requests left late, lag p99 {lag_s * 1e3:.0f} ms (limit {limit_s * 1e3:.0f} ms)",
            {"lag_p99_s": lag_s, "limit_s": limit_s},
            "invalid",
        )


def _processor(run: Recording, manifest: Mapping[str, Any]) -> Iterator[Reason]:
    workers = int(manifest.get("workers", 1))
    whole = run.intervals[:-1]  # the last one is shorter than a second
    if not whole:
        return
    share = sum(interval.cpu_s for interval in whole) / len(whole) / workers
    if share > _BUSY_CORE:
        yield Reason(
            "cpu",
            f"generator, not target: it used {share:.0%} of a core for each worker",
            {"cpu_share": share, "workers": workers},
            "suspect",
        )


def _little(run: Recording, total: Figures, elapsed_s: float) -> Iterator[Reason]:
    """Little's law (Little, 1961): mean in flight = throughput x mean time in the system."""
    in_flight = [interval.in_flight for interval in run.intervals[:-1]]
    counted = [(spread.count, spread.mean) for spread in (total.service, total.failed_latency) if spread.mean]
    if not in_flight or not elapsed_s or not counted:
        return
    measured = sum(in_flight) / len(in_flight)
    expected = sum(count * mean for count, mean in counted) / elapsed_s
    if expected < _LITTLE_MIN_IN_FLIGHT or len(in_flight) < _MIN_SAMPLES:
        return
    off = abs(measured - expected) / expected
    if off > _LITTLE_TOLERANCE:
        yield Reason(
            "little",
            f"Little's law is off by {off:.0%}: {measured:.1f} in flight on average, "
            f"throughput x mean latency gives {expected:.1f}",
            {"in_flight": measured, "expected": expected, "off": off},
            "suspect",
        )


def _clipped(whole: Totals) -> Iterator[Reason]:
    clipped = sum(histogram.clipped for histogram in whole.histograms.values())
    if clipped:
        yield Reason(
            "clipped", f"{clipped:,} values over one hour were counted as one hour", {"clipped": clipped}, "suspect"
        )


def _usage(total: Figures) -> Iterator[Reason]:
    estimated = total.tokens.estimated_answers
    if estimated:
        yield Reason(
            "usage_missing",
            f"{estimated:,} answers came without usage: their tokens and cost are estimates",
            {"answers": estimated},
            "suspect",
        )


def _samples(total: Figures) -> Iterator[Reason]:
    if total.latency.count < _MIN_SAMPLES:
        yield Reason(
            "few_samples",
            f"{total.latency.count:,} ok answers are too few for a p95 ({_MIN_SAMPLES} needed)",
            {"ok": total.latency.count, "needed": _MIN_SAMPLES},
            "suspect",
        )
