"""Limits held against a whole run: does it keep to them, by how much, and is that sure?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from loadtester.analysis.figures import Part, Totals
from loadtester.analysis.report import Figures, Intervals, Report, ThresholdResult, ThresholdVerdict
from loadtester.analysis.resample import Resample, interval
from loadtester.analysis.thresholds.gauge import (
    Gauge,
    aggregate,
    part_of,
    percentile_samples,
    share_samples,
    sums,
    weights,
)
from loadtester.recorder import Histogram, Recording, measured
from loadtester.scenario.threshold import DEPARTURES, FLOWS, SPREADS, VERDICTS, Threshold

Interval = tuple[float, float]

#: Where Spread keeps the interval of an aggregate.
_IN_SPREAD: Final = {50.0: "p50", 90.0: "p90", 95.0: "p95", 99.0: "p99", 99.9: "p999"}


@dataclass(frozen=True)
class Evidence:
    """All that thresholds are held against: the report so far, the run, its sums, and how to get figures of a part.

    `sending_s` is how long requests were sent, in seconds from the run's start.
    """

    report: Report
    run: Recording
    whole: Totals
    of: Callable[[Part], Figures]
    sending_s: float

    @cached_property
    def resample(self) -> Resample:
        """The run's replicates, drawn once and only where an interval is wanted that the report does not have."""
        return Resample(self.run)


@dataclass(frozen=True, slots=True)
class _Found:
    """A value with its interval; without one, why there is none. `at_s` is where a window begins.

    The interval of a run too short for it (`is_narrow`) is narrower than it should be: it is not told, but what even
    that crosses is too close to call.
    """

    value: float | None
    ci95: Interval | None = None
    at_s: float | None = None
    reason: str = ""
    is_narrow: bool = False


def judge_thresholds(
    thresholds: Sequence[Threshold], evidence: Evidence, *, is_strict: bool = False
) -> tuple[ThresholdResult, ...]:
    """Hold a run against each threshold. No data fails, an invalid run fails all, `is_strict` what is too close."""
    return tuple(_judged(threshold, evidence, is_strict=is_strict) for threshold in thresholds)


def is_failed(result: ThresholdResult) -> bool:
    """Whether the run did not keep to the threshold."""
    return result.verdict in ("fail", "no_data")


def _judged(threshold: Threshold, evidence: Evidence, *, is_strict: bool) -> ThresholdResult:
    found = _found(threshold, evidence)
    verdict, reason = _verdict(threshold, found, is_strict=is_strict)
    if evidence.report.validity.verdict == "invalid":
        verdict, reason = "fail", "the run is invalid"
    slack = None if found.value is None else threshold.slack(found.value)
    return ThresholdResult(
        expression=threshold.expression,
        value=found.value,
        ci95=None if found.is_narrow else found.ci95,
        limit=threshold.limit,
        margin=slack / threshold.limit
        if slack is not None and threshold.limit and threshold.unit != "verdict"
        else None,
        verdict=verdict,
        unit=threshold.unit,
        at_s=found.at_s,
        reason=reason,
    )


def _verdict(threshold: Threshold, found: _Found, *, is_strict: bool) -> tuple[ThresholdVerdict, str]:
    if found.value is None:
        return "no_data", found.reason
    if not threshold.holds(found.value):
        return "fail", ""
    if found.ci95 is None or not threshold.is_crossed(*found.ci95):
        return "pass", ""
    why = "too close to call" + (" (the run is too short for its interval)" if found.is_narrow else "")
    return ("fail", f"{why}, and --strict-ci") if is_strict else ("too_close", why)


def _found(threshold: Threshold, evidence: Evidence) -> _Found:
    if threshold.metric == "validity":
        return _Found(float(VERDICTS.index(evidence.report.validity.verdict)))
    if threshold.window_s is not None:
        return _worst_window(threshold, evidence)
    if threshold.metric in SPREADS:
        return _distribution(threshold, evidence)
    if threshold.unit in ("per_s", "usd") or (threshold.metric in DEPARTURES and not threshold.tags):
        return _figure(threshold, evidence)
    return _sum(threshold, evidence)


def _worst_window(threshold: Threshold, evidence: Evidence) -> _Found:
    """The window that is nearest to its limit, or farthest beyond it, among all that have enough samples."""
    window_s = threshold.window_s or 0
    seconds = measured(evidence.run.intervals)
    if threshold.metric in FLOWS:
        # A second that is in part the warm-up's, or comes in part after the load, has less in it than a second has.
        warm_s = evidence.report.warmup.s if evidence.report.warmup is not None else 0.0
        seconds = [one for one in seconds if warm_s <= one.second and one.second + 1 <= evidence.sending_s]
    if threshold.metric.startswith("cost.") and evidence.report.total.cost.run is None:
        return _Found(None, reason="a model has no price")
    gauge = Gauge(threshold)
    worst: _Found | None = None
    for second in seconds:
        gauge.add(second)
        value = gauge.value() if gauge.is_whole and gauge.has_enough() else None
        if value is None:
            continue
        if worst is None or worst.value is None or threshold.slack(value) < threshold.slack(worst.value):
            worst = _Found(value, at_s=float(second.second + 1 - window_s))
    if worst is not None:
        return worst
    if len(seconds) < window_s:
        return _Found(None, reason=f"there are no {window_s} s to look at")
    return _Found(None, reason=f"no {window_s} s hold {_needed(threshold)}")


def _distribution(threshold: Threshold, evidence: Evidence) -> _Found:
    keeps = part_of(threshold)
    histogram = Histogram()
    for series, counted in evidence.whole.histograms.items():
        if series.metric == threshold.metric and keeps(series):
            histogram.merge(counted)
    value = None if not histogram.total else aggregate(histogram, threshold)
    if value is None:
        return _Found(None, reason=f"{histogram.total:,} samples; {_needed(threshold)} are needed")
    percent = 50.0 if threshold.aggregate == "med" else threshold.percent
    is_narrow = percent is not None and not evidence.resample.is_enough_for(percent)
    return _Found(value, _spread_interval(threshold, evidence, keeps), is_narrow=is_narrow)


def _spread_interval(threshold: Threshold, evidence: Evidence, keeps: Part) -> Interval | None:
    percent = 50.0 if threshold.aggregate == "med" else threshold.percent
    name = "mean" if threshold.aggregate == "avg" else _IN_SPREAD.get(percent or 0.0, "")
    part = _known_part(threshold, evidence)
    spread = None if part is None else getattr(part, threshold.metric, None)
    if spread is not None and name in spread.ci95:
        return _pair(spread.ci95, name)
    if threshold.aggregate not in ("avg", "med", "p") or not evidence.resample.is_enough:
        return None
    if percent is None:
        return interval(evidence.resample.mean(threshold.metric, keeps, is_ok=None))
    return interval(evidence.resample.percentile(threshold.metric, keeps, percent, is_ok=None))


def _figure(threshold: Threshold, evidence: Evidence) -> _Found:
    """What depends on how long a run took, on prices or on what was due: as the report has it."""
    part = _known_part(threshold, evidence) or evidence.of(part_of(threshold))
    group, _, name = threshold.metric.rpartition(".")
    if group == "cost":
        value, known = getattr(part.cost, name), part.cost.ci95
    elif threshold.unit == "per_s":
        value, known = getattr(part.rates, f"{name}_per_s"), part.rates.ci95
    else:
        value, known = getattr(part.funnel, "planned" if name == "planned" else "sent"), {}
    if not part.funnel.planned:
        return _Found(None, reason="no such request")
    if value is None:
        why = "a model has no price" if group == "cost" and part.cost.run is None else "no good answer to reckon from"
        return _Found(None, reason=why)
    return _Found(float(value), _pair(known, f"{name}_per_s") or _pair(known, name))


def _sum(threshold: Threshold, evidence: Evidence) -> _Found:
    """A share, or a count of outcomes or tokens."""
    part, whole = sums(threshold, evidence.whole.cells)
    keeps = part_of(threshold)
    if whole == 0 or not any(keeps(key) or _is_outcome(threshold) for key in evidence.whole.cells):
        return _Found(None, reason="no such request" if threshold.tags else "no request has ended")
    if whole is None:
        return _Found(float(part))
    known = _known_part(threshold, evidence)
    name = "throttle_rate" if threshold.metric == "throttled_rate" else threshold.metric
    ci95 = None if known is None else _pair(known.rates.ci95, name)
    return _Found(part / whole, ci95 or _share_interval(threshold, evidence, keeps, part / whole))


def _share_interval(threshold: Threshold, evidence: Evidence, keeps: Part, share: float) -> Interval | None:
    """None for a share of 0 or 1, which does not scatter."""
    if not 0.0 < share < 1.0 or not evidence.resample.is_enough:
        return None
    part, whole = (weight and evidence.resample.column(keeps, weight) for weight in weights(threshold))
    if part is None or whole is None:
        return None
    low, high = interval(evidence.resample.ratio(part, whole))
    return max(0.0, low), min(1.0, high)


def _known_part(threshold: Threshold, evidence: Evidence) -> Figures | None:
    """The report's own figures of what the tags name; None where it has none."""
    if not threshold.tags:
        return evidence.report.total
    (name, value), *more = threshold.tags
    return None if more else evidence.report.by.get(name, {}).get(value)


def _is_outcome(threshold: Threshold) -> bool:
    """Whether the tags name an outcome: that none ended so is a finding, not a lack of data."""
    return any(name == "outcome" for name, _ in threshold.tags)


def _needed(threshold: Threshold) -> str:
    percent = 50.0 if threshold.aggregate == "med" else threshold.percent
    if threshold.unit == "share":
        return f"{share_samples(threshold.limit):,} requests, so that one alone can't cross the limit"
    return f"{percentile_samples(percent):,}" if percent is not None else "1"


def _pair(known: Intervals, name: str) -> Interval | None:
    pair = known.get(name)
    return None if pair is None else (float(pair[0]), float(pair[1]))
