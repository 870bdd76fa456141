"""The run's verdict on itself: was the load delivered as planned, and can its figures be trusted?"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loadtester.analysis.figures import Totals
from loadtester.analysis.report import Figures, Reason, Validity, Verdict
from loadtester.analysis.thresholds.saturation import saturation_reasons
from loadtester.analysis.warmup import warm_s, warmup_reasons
from loadtester.recorder import Recording

#: The order of severity.
_VERDICTS: tuple[Verdict, ...] = ("valid", "suspect", "invalid")

_SUSPECT_UNDELIVERED = 0.01
_INVALID_UNDELIVERED = 0.05
_LAG_FLOOR_S = 0.050
_LAG_SHARE_OF_GAP = 0.05
#: A stall no longer than the lag that is let pass is let pass too.
_STALL_S = _LAG_FLOOR_S
_BUSY_CORE = 0.9
#: What a p99 rests on: trouble in less of a run than this can't be seen in one.
_TAIL = 0.01
_LITTLE_TOLERANCE = 0.10
_LITTLE_MIN_IN_FLIGHT = 5.0
_MIN_SAMPLES = 59
#: What the system says when this machine, not the target, has no room for one connection more.
_OWN_LIMITS = frozenset(map(os.strerror, (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS)))


@dataclass(frozen=True, slots=True)
class _Generator:
    """How the sending processes fared.

    `stall_s` is the longest time an event loop was away, `stalled` the part of the run that such stalls took;
    `cpu_share` the part of a core that the busiest process used in its busiest second, `busy` the part of the requests
    sent in seconds with more than `_BUSY_CORE`. Runs recorded before `busiest_s` was have the mean of their processes.
    """

    workers: int
    cores: int | None
    stall_s: float
    stalled: float
    cpu_share: float
    busy: float

    @property
    def state(self) -> str:
        """Its two figures, for a message."""
        return f"event loop away for {_ms(self.stall_s)} at most, CPU up to {self.cpu_share:.0%} of one core"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.cpu_share <= _BUSY_CORE:
            return "leave this machine to fmload, or use a faster one"
        if self.cores is not None and self.workers >= self.cores:
            return "use a machine with more cores"
        return f"use --workers {self.workers + 1}"


def judge(manifest: Mapping[str, Any], run: Recording, whole: Totals, total: Figures, elapsed_s: float) -> Validity:
    """The verdict, worst reason first; docs/measurement.md lists what is looked at."""
    generator = _generator(manifest, run)
    reasons = [
        *_delivered(manifest, total),
        *_lost(manifest),
        *_own_limits(run, total),
        *_target(manifest),
        *_lag(manifest, total, generator),
        *_stalls(generator),
        *_processor(generator),
        *_little(run, total, elapsed_s, warm_s(manifest)),
        *_clipped(whole),
        *_usage(total),
        *_samples(total),
        *warmup_reasons(manifest, run, total),
        *_unanswered(total),
        *saturation_reasons(manifest),
    ]
    reasons.sort(key=lambda reason: _VERDICTS.index(reason.verdict), reverse=True)
    return Validity(reasons[0].verdict if reasons else "valid", tuple(reasons))


def _generator(manifest: Mapping[str, Any], run: Recording) -> _Generator:
    workers = int(manifest.get("workers", 1))
    # The last second is shorter than one, and its end is the run's.
    seconds = run.intervals[:-1] or run.intervals
    sent = sum(interval.sent for interval in seconds)
    used_s = [interval.busiest_s or interval.cpu_s / workers for interval in seconds]
    busy = sum(interval.sent for interval, cpu_s in zip(seconds, used_s, strict=True) if cpu_s > _BUSY_CORE)
    stalls_s = [interval.stall_s for interval in run.intervals]
    return _Generator(
        workers=workers,
        cores=manifest.get("host", {}).get("cores"),
        stall_s=max(stalls_s, default=0.0),
        stalled=sum(stall_s for stall_s in stalls_s if stall_s > _STALL_S) / max(1, len(stalls_s)),
        cpu_share=max(used_s, default=0.0),
        busy=busy / sent if sent else 0.0,
    )


def _delivered(manifest: Mapping[str, Any], total: Figures) -> Iterator[Reason]:
    """Both ways a request can go unsent count together for the verdict, and are named apart."""
    funnel = total.funnel
    missing = funnel.dropped + funnel.unfinished
    share = missing / funnel.planned if funnel.planned else 0.0
    if share <= _SUSPECT_UNDELIVERED:
        return
    verdict: Verdict = "invalid" if share > _INVALID_UNDELIVERED else "suspect"
    if funnel.dropped:
        yield Reason(
            "dropped",
            f"target, not generator: {_part(funnel.dropped, funnel.planned)} were dropped because --max-in-flight "
            "requests were still waiting for their answers; raise it, or lower the rate",
            {"planned": funnel.planned, "dropped": funnel.dropped, "share": funnel.dropped / funnel.planned},
            verdict,
        )
    if funnel.unfinished:
        why = "a worker was lost" if manifest.get("lost_workers") else "the run was cut short"
        yield Reason(
            "undelivered",
            f"{_part(funnel.unfinished, funnel.planned)} were never sent because {why}",
            {"planned": funnel.planned, "unfinished": funnel.unfinished, "share": funnel.unfinished / funnel.planned},
            verdict,
        )


def _lost(manifest: Mapping[str, Any]) -> Iterator[Reason]:
    lost = manifest.get("lost_workers") or []
    if lost:
        workers = int(manifest.get("workers", 1))
        yield Reason(
            "lost_workers",
            f"generator, not target: {len(lost)} of {workers} workers ended before their share was done, "
            "and nobody took it over; look for what killed them (memory?) and run again",
            {"lost": len(lost), "workers": workers},
            "suspect",
        )


def _own_limits(run: Recording, total: Figures) -> Iterator[Reason]:
    """Requests that this machine had no descriptor or port for: no fault of the target's."""
    said = [(detail, n) for interval in run.intervals for (_, detail), n in (interval.failures or {}).items()]
    count = sum(n for detail, n in said if detail in _OWN_LIMITS)
    if count <= _SUSPECT_UNDELIVERED * total.funnel.planned:
        return
    why = next(detail for detail, _ in said if detail in _OWN_LIMITS)
    yield Reason(
        "own_limits",
        f"generator, not target: {_part(count, total.funnel.planned)} got no connection of this machine ({why}); "
        "`fmload doctor` says which limit to raise",
        {"count": count, "planned": total.funnel.planned},
        "invalid" if count > _INVALID_UNDELIVERED * total.funnel.planned else "suspect",
    )


def _target(manifest: Mapping[str, Any]) -> Iterator[Reason]:
    if ended := manifest.get("target_ended"):
        yield Reason(
            "target_ended", f"{ended}; what follows is of a target that was not there", {"ended": str(ended)}, "invalid"
        )


def _lag(manifest: Mapping[str, Any], total: Figures, generator: _Generator) -> Iterator[Reason]:
    plan = manifest["plan"]
    # A short run has no p99; what was late in it was late all the same.
    name, lag_s = ("p99", total.lag.p99) if total.lag.p99 is not None else ("p95", total.lag.p95)
    if lag_s is None or not plan["requests"]:
        return
    limit_s = max(_LAG_FLOOR_S, _LAG_SHARE_OF_GAP * plan["duration_s"] / plan["requests"])
    if lag_s > limit_s:
        yield Reason(
            "lag",
            f"generator, not target: lag {name} {_ms(lag_s)} (limit {_ms(limit_s)}), {generator.state}; "
            f"{generator.remedy}",
            {
                f"lag_{name}_s": lag_s,
                "limit_s": limit_s,
                "stall_s": generator.stall_s,
                "cpu_share": generator.cpu_share,
            },
            "invalid",
        )


def _stalls(generator: _Generator) -> Iterator[Reason]:
    if generator.stalled > _TAIL:
        yield Reason(
            "stall",
            f"generator, not target: for {generator.stalled:.1%} of the run its event loop could not run, so answers "
            f"were stamped late; {generator.state}; {generator.remedy}",
            {"stall_s": generator.stall_s, "stalled_share": generator.stalled, "cpu_share": generator.cpu_share},
            "suspect",
        )


def _processor(generator: _Generator) -> Iterator[Reason]:
    if generator.busy > _TAIL:
        yield Reason(
            "cpu",
            f"generator, not target: {generator.busy:.0%} of the requests left in seconds when it used over "
            f"{_BUSY_CORE:.0%} of one core a worker, at most {generator.cpu_share:.0%}; {generator.remedy}",
            {"cpu_share": generator.cpu_share, "busy_share": generator.busy, "workers": generator.workers},
            "suspect",
        )


def _unanswered(total: Figures) -> Iterator[Reason]:
    """A killed run knows nothing of what was in flight, and that were the slow ones."""
    funnel = total.funnel
    share = funnel.unanswered / funnel.sent if funnel.sent else 0.0
    if share > _SUSPECT_UNDELIVERED:
        yield Reason(
            "unanswered",
            f"{share:.0%} of what was sent was still in flight when the run ended: the slow answers are missing from "
            "its latencies, its SLA and its bill",
            {"unanswered": funnel.unanswered, "sent": funnel.sent, "share": share},
            "suspect",
        )


def _little(run: Recording, total: Figures, elapsed_s: float, unmeasured_s: float) -> Iterator[Reason]:
    """Little's law (Little, 1961): mean in flight = throughput x mean time in the system.

    In flight is looked at once a second. Where that beats in time with the arrivals it can be off by one request,
    which is allowed for.
    """
    in_flight = [interval.in_flight for interval in run.intervals[:-1] if interval.second >= unmeasured_s]
    elapsed_s -= unmeasured_s
    counted = [(spread.count, spread.mean) for spread in (total.latency, total.failed_latency) if spread.mean]
    if len(in_flight) < _MIN_SAMPLES or elapsed_s <= 0.0 or not counted:
        return
    measured = sum(in_flight) / len(in_flight)
    expected = sum(count * mean for count, mean in counted) / elapsed_s
    if max(measured, expected) < _LITTLE_MIN_IN_FLIGHT:
        return
    off = abs(measured - expected) / max(expected, 1.0)
    if abs(measured - expected) > 1.0 and off > _LITTLE_TOLERANCE:
        yield Reason(
            "little",
            f"the run's own counts disagree: {measured:.1f} requests in flight on average, but throughput x mean "
            f"latency makes {expected:.1f} (Little's law, off by {off:.0%})",
            {"in_flight": measured, "expected": expected, "off": off},
            "suspect",
        )


def _clipped(whole: Totals) -> Iterator[Reason]:
    clipped = sum(histogram.clipped for histogram in whole.histograms.values())
    if clipped:
        yield Reason(
            "clipped",
            f"{clipped:,} values were longer than the hour a histogram holds, and count as one hour",
            {"clipped": clipped},
            "suspect",
        )


def _usage(total: Figures) -> Iterator[Reason]:
    estimated = total.tokens.estimated_answers
    if estimated:
        yield Reason(
            "usage_missing",
            f"the target reported no usage for {estimated:,} answers: their tokens and cost are estimates",
            {"answers": estimated},
            "suspect",
        )


def _samples(total: Figures) -> Iterator[Reason]:
    if not total.latency.count and total.funnel.sent:
        yield Reason(
            "no_ok_answer",
            f"not one of {total.funnel.sent:,} requests got an ok answer: there is no latency to report",
            {"ok": 0, "sent": total.funnel.sent},
            "suspect",
        )
    elif total.latency.count < _MIN_SAMPLES:
        yield Reason(
            "few_samples",
            f"too few ok answers ({total.latency.count:,}) for a p95, which needs {_MIN_SAMPLES}; run longer",
            {"ok": total.latency.count, "needed": _MIN_SAMPLES},
            "suspect",
        )


def _ms(duration_s: float) -> str:
    return f"{duration_s * 1e3:,.0f} ms"


def _part(count: int, planned: int) -> str:
    return f"{count:,} of {planned:,} planned requests ({count / planned:.1%})"
