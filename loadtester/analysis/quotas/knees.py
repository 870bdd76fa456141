"""Whether a run met its quota or its service's own limit: two knees that look alike in a goodput curve.

At the quota knee calls begin to be refused. At the latency knee those that are admitted begin to take longer. Answers
of different query types differ in length, so each is measured by the median of its type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from loadtester.analysis.quotas.calls import Calls, Flags, Floats
from loadtester.recorder import Recording

#: From when to when, in seconds of the run.
Span = tuple[float, float]
Met = Literal["quota", "service", "both", "neither"]

#: Spans of a run, and the answers that each must hold on average: then the median of one is within some 6 %.
_MOST_SPANS: Final = 30
_ANSWERS: Final = 50
_FEWEST_SPANS: Final = 3
#: How many times as long as in the quickest span answers may take: above what chance makes of medians of 50 answers.
_SLOW: Final = 1.5
#: Part of the calls that may be refused before the quota counts as met.
_FEW: Final = 0.001
#: Time away, and part of a core used, from which on the generator's own trouble is in what it measures.
_STALL_S: Final = 0.05
_BUSY_CORE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Knee:
    """From when on, and how many calls were offered a second then."""

    at_s: float
    offered_per_s: float


@dataclass(frozen=True, slots=True)
class Knees:
    """What was met; `slowness` is how many times as long answers took in the slowest span as in the quickest.

    None where there were too few answers to tell.
    """

    met: Met
    quota: Knee | None
    latency: Knee | None
    slowness: float | None

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        quota, latency = self.quota, self.latency
        hit = f"from {quota.at_s:.1f} s on, at {quota.offered_per_s:,.1f} calls/s" if quota else ""
        slow = (
            f"answers took up to {self.slowness:.1f} times as long from {latency.at_s:.1f} s on, "
            f"at {latency.offered_per_s:,.1f} calls/s"
            if latency
            else ""
        )
        if quota and latency:
            return f"you hit the quota ({hit}) and the service got slow ({slow})"
        if quota:
            unknown = "too few answers to tell whether the service got slow" if self.slowness is None else ""
            return f"you hit the quota {hit}; {unknown or 'what was admitted was answered as fast as before'}"
        if latency:
            return f"the service got slow, no quota was hit: {slow}"
        return "neither a quota nor a slower service was met"


def own_trouble(run: Recording) -> tuple[Span, ...]:
    """When fmload itself was away or short of processor: what it measured then says nothing of the service.

    A stall is told with the second that it began in, or the one that it ended in.
    """
    return tuple(
        (interval.second - interval.stall_s, interval.second + 1 + interval.stall_s)
        for interval in run.intervals
        if interval.stall_s > _STALL_S or interval.busiest_s > _BUSY_CORE
    )


def knees_of(by_model: Mapping[str, Calls], duration_s: float, trouble: Sequence[Span] = ()) -> Knees:
    """The knees of a run, all its models together; answers under way in `trouble` tell nothing of the service."""
    due_s = np.concatenate([calls.due_s for calls in by_model.values()])
    refused_s = np.sort(
        np.concatenate([calls.sent_s[calls.is_refused | calls.is_retried] for calls in by_model.values()])
    )
    count, slowness = _slowness(by_model, duration_s, trouble)
    width_s = duration_s / count
    offered = np.histogram(due_s, bins=count, range=(0.0, duration_s))[0] / width_s

    quota = latency = None
    if len(refused_s) > _FEW * len(due_s):
        at_s = float(refused_s[0])
        quota = Knee(at_s, float(offered[min(int(at_s / width_s), count - 1)]))
    worst = float(np.nanmax(slowness)) if len(slowness) else None
    if worst is not None and worst >= _SLOW:
        first = int(np.flatnonzero(slowness >= _SLOW)[0])
        latency = Knee(first * width_s, float(offered[first]))
    met: Met = "both" if quota and latency else "quota" if quota else "service" if latency else "neither"
    return Knees(met, quota, latency, worst)


def _under_way(calls: Calls, trouble: Sequence[Span]) -> Flags:
    """Which calls were under way in one of the spans, which are in order."""
    if not trouble:
        return np.zeros(len(calls), dtype=np.bool_)
    begins_s, ends_s = np.array([*trouble, (np.inf, np.inf)]).T
    # Spans that overlap count as one: then the first that ends after a call was sent is the only one to look at.
    ends_s = np.maximum.accumulate(ends_s)
    found: Flags = begins_s[np.searchsorted(ends_s, calls.sent_s, side="right").clip(max=len(trouble))] < calls.done_s
    return found


def _slowness(by_model: Mapping[str, Calls], duration_s: float, trouble: Sequence[Span]) -> tuple[int, Floats]:
    """How many spans there are, and of each the median service time over the least; none where there are too few.

    Calls tell that a model worked on at once: no answer of a cache, none that had to wait for its next attempt.
    """
    due_s, relative = [], []
    for calls in by_model.values():
        took_s = np.where(calls.is_ok, calls.done_s, 0.0) - np.where(calls.is_ok, calls.sent_s, 0.0)
        tells = calls.is_ok & calls.is_admitted & ~calls.is_retried & ~_under_way(calls, trouble)
        for query in np.unique(calls.query[tells]):
            mine = tells & (calls.query == query)
            due_s.append(calls.due_s[mine])
            relative.append(took_s[mine] / max(float(np.median(took_s[mine])), 1e-9))
    n = sum(map(len, due_s))
    count = min(_MOST_SPANS, n // _ANSWERS)
    if count < _FEWEST_SPANS:
        return max(1, min(_MOST_SPANS, int(duration_s))), np.array([])
    span = np.minimum(np.concatenate(due_s) / duration_s * count, count - 1).astype(np.int64)
    values = np.concatenate(relative)
    medians = np.array(
        [np.median(values[span == k]) if (span == k).sum() >= _ANSWERS // 2 else np.nan for k in range(count)]
    )
    return count, medians / np.nanmin(medians)
