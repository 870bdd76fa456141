"""The limit behind a run's refusals: the one under which a replay of its calls decides as the quota did.

Every call that came as far as the quota is a decision. Under a supposed limit the replay knows what would have been
free at that moment, and so which decisions do not fit; the limit that leaves the fewest is the inferred one. Its
interval comes from a block bootstrap over the run's time. A minute's amount is counted in two ways, as `fmload plan`
does: a bucket that is full at first and refills evenly, or a minute of a clock whose phase is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.quotas.calls import Calls, Flags, Floats
from loadtester.cost import bootstrap
from loadtester.scenario import Window

Unit = Literal["tokens", "requests"]

MINUTE_S: Final = 60.0
#: Fewer refusals say too little.
_FEWEST: Final = 10
#: Calls that are replayed, the first of the run.
_MOST: Final = 20_000
_CANDIDATES: Final = 200
_MOST_SPANS: Final = 240
#: Seconds between the phases of the clock that are tried, and where a minute's turn is in view.
_PHASE_S: Final = 0.5
_CLOSE_PHASE_S: Final = 0.02
#: So few phases fit only where it is.
_IN_VIEW: Final = 2


@dataclass(frozen=True, slots=True)
class InferredLimit:
    """A limit a minute with its 95 % interval; `window` is None where both ways of counting fit as well.

    `explained` is the part of the decisions that fit it.
    """

    unit: Unit
    window: Window | None
    per_minute: float
    low: float
    high: float
    decisions: int
    explained: float


@dataclass(frozen=True, slots=True)
class _Decisions:
    """The calls that met the quota: when, whether refused, what each asked for, and (when, how much) it gave back."""

    start_s: Floats
    is_refused: Flags
    asked: Floats
    end_s: Floats
    returned: Floats


@dataclass(frozen=True, slots=True)
class _Fit:
    """What one way of counting makes of the decisions: those that don't fit, the limit that fits best, its interval."""

    window: Window
    misfits: float
    per_minute: float
    low: float
    high: float


def infer_limit(calls: Calls) -> InferredLimit | None:
    """The limit on a model's calls; None where too few of them were refused, or some got in on a later attempt.

    When those were let in is not on record, so a replay would take their tokens at the wrong time.
    """
    if calls.is_refused.sum() < _FEWEST or not calls.is_admitted.any() or calls.is_retried.any():
        return None
    unit: Unit = "requests" if calls.for_requests * 2 > calls.is_refused.sum() else "tokens"
    decisions = _decisions(calls, unit)
    if decisions.is_refused.sum() < _FEWEST:
        return None
    fits = [_bucket(decisions), _minute(decisions)]
    least = min(fit.misfits for fit in fits)
    found = [fit for fit in fits if fit.misfits <= _alike(least)]
    best = min(found, key=lambda fit: fit.misfits)
    # Refused calls' prompts are not on record, so no limit is known closer than calls differ by.
    spread = float(decisions.asked[~decisions.is_refused].std())
    return InferredLimit(
        unit=unit,
        window=best.window if len(found) == 1 else None,
        per_minute=best.per_minute,
        low=max(0.0, min(fit.low for fit in found) - spread),
        high=max(fit.high for fit in found) + spread,
        decisions=len(decisions.start_s),
        explained=1 - least / len(decisions.start_s),
    )


def _alike(misfits: float) -> float:
    """Up to how many misfits say the same as `misfits`: counts within two standard deviations."""
    return misfits + 2 * math.sqrt(misfits + 1)


def _decisions(calls: Calls, unit: Unit) -> _Decisions:
    mine = np.flatnonzero(calls.is_admitted | calls.is_refused)[:_MOST]
    is_refused = calls.is_refused[mine]
    if unit == "requests":
        asked, returned = np.ones(len(mine)), np.zeros(len(mine))
    else:
        asked = calls.held[mine]
        returned = np.where(is_refused, 0.0, asked - calls.charged[mine])
    return _Decisions(calls.sent_s[mine], is_refused, asked, calls.done_s[mine], returned)


def _bucket(decisions: _Decisions) -> _Fit:
    """The best limit on a grid over all that can be, then on a finer one over those that nearly fit."""
    net = float((decisions.asked - decisions.returned)[~decisions.is_refused].sum())
    minutes = float(decisions.start_s[-1] - decisions.start_s[0]) / MINUTE_S
    most = float(decisions.asked[~decisions.is_refused].sum() + 2 * decisions.asked.max())
    limits = np.geomspace(max(0.25 * net / (2 + minutes), 1.0), most, _CANDIDATES)
    totals = _bucket_misfits(decisions, limits).sum(axis=0)
    near = np.flatnonzero(totals <= 2 * totals.min() + 5)
    limits = np.linspace(limits[max(0, near[0] - 1)], limits[min(_CANDIDATES - 1, near[-1] + 1)], _CANDIDATES)
    misfits = _bucket_misfits(decisions, limits)
    totals = misfits.sum(axis=0)
    low, high = _interval(misfits, limits)
    step = float(limits[1] - limits[0])
    return _Fit("bucket", float(totals.min()), float(limits[totals == totals.min()].mean()), low - step, high + step)


def _bucket_misfits(decisions: _Decisions, limits: Floats) -> Floats:
    """Decisions that don't fit, by span of time and supposed limit: shape (spans, limits)."""
    spans = _spans(decisions.start_s)
    misfits = np.zeros((int(spans[-1]) + 1, len(limits)))
    for row, is_free in _replayed(decisions, limits):
        misfits[spans[row]] += is_free == decisions.is_refused[row]
    return misfits


def _spans(start_s: Floats) -> NDArray[np.int64]:
    """The span of time that each decision falls into: seconds, or longer where there are very many."""
    since_s = start_s - start_s[0]
    width_s = max(1.0, float(since_s[-1]) / _MOST_SPANS)
    found: NDArray[np.int64] = (since_s / width_s).astype(np.int64)
    return found


def _replayed(decisions: _Decisions, limits: Floats) -> Iterator[tuple[int, Flags]]:
    """Each decision's row, and under which limits there was enough in the bucket."""
    n = len(decisions.start_s)
    moments, order = _moments(decisions)
    level, now_s = limits.copy(), float(moments[order[0]])
    per_s = limits / MINUTE_S
    asked, returned, refused = decisions.asked.tolist(), decisions.returned.tolist(), decisions.is_refused.tolist()
    for place, moment_s in zip(order.tolist(), moments[order].tolist(), strict=True):
        row = place % n
        if math.isinf(moment_s) or (place >= n and not returned[row]):
            continue
        level += per_s * (moment_s - now_s)
        now_s = moment_s
        if place >= n:
            level += returned[row]
        np.minimum(level, limits, out=level)
        if place < n:
            yield row, level >= asked[row]
            if not refused[row]:
                level -= asked[row]


def _moments(decisions: _Decisions) -> tuple[Floats, NDArray[np.int64]]:
    """When calls start, then when they end, and their order: at one moment those that end come first."""
    moments = np.concatenate([decisions.start_s, decisions.end_s])
    return moments, np.lexsort((np.repeat([1, 0], len(decisions.start_s)), moments))


def _minute(decisions: _Decisions) -> _Fit:
    """The limits of all phases of the clock that fit alike: each is as likely as another."""
    phases_s = np.arange(0.0, MINUTE_S, _PHASE_S)
    best = [_plateau(_needed(decisions, phase_s), decisions.is_refused) for phase_s in phases_s.tolist()]
    counts = np.array([misfits for misfits, _, _ in best])
    if (
        counts <= _alike(counts.min())
    ).sum() <= _IN_VIEW:  # the turn of a minute is in view: look closer at when it was
        phases_s = phases_s[counts.argmin()] + np.arange(-_PHASE_S, _PHASE_S, _CLOSE_PHASE_S)
        best = [_plateau(_needed(decisions, phase_s), decisions.is_refused) for phase_s in phases_s.tolist()]
        counts = np.array([misfits for misfits, _, _ in best])
    alike = [one for one in best if one[0] <= _alike(counts.min())]
    low, _ = bootstrap.interval(np.array([low for _, low, _ in alike]))
    _, high = bootstrap.interval(np.array([high for _, _, high in alike]))
    return _Fit(
        "minute", float(counts.min()), float(np.median([(low + high) / 2 for _, low, high in alike])), low, high
    )


def _plateau(needed: Floats, is_refused: Flags) -> tuple[int, float, float]:
    """The fewest misfits that any limit leaves, and from where to where limits leave so few.

    A refused call fits where the limit is below what it needed, an admitted one where it is not.
    """
    order = np.argsort(needed, kind="stable")
    steps = np.where(is_refused[order], 1, -1)
    misfits = int((~is_refused).sum()) + np.cumsum(steps)
    place = int(misfits.argmin())
    low = float(needed[order[place]])
    above = needed[order[place + 1 :]]
    return int(misfits[place]), low, float(above[0]) if len(above) else low


def _needed(decisions: _Decisions, phase_s: float) -> Floats:
    """What the minute of each call has used before it, and what it asks for; the minute began `phase_s` before 0."""
    n = len(decisions.start_s)
    minute = np.floor((decisions.start_s + phase_s) / MINUTE_S)
    end_s = np.where(np.isinf(decisions.end_s), -MINUTE_S, decisions.end_s)
    is_back = np.floor((end_s + phase_s) / MINUTE_S) == minute
    _, order = _moments(decisions)
    taken = np.where(decisions.is_refused, 0.0, decisions.asked)
    change = np.concatenate([taken, np.where(is_back, -decisions.returned, 0.0)])[order]
    used = np.empty(2 * n)
    used[order] = np.cumsum(change) - change
    # What was used before a minute's first call belongs to other minutes, which get nothing back from then on.
    first = np.searchsorted(minute, minute, side="left")
    needed: Floats = used[:n] - used[first] + decisions.asked
    return needed


def _interval(misfits: Floats, limits: Floats) -> tuple[float, float]:
    """The middle 95 % of the limits that fit resampled runs best, as wide as those that fit alike."""
    length = bootstrap.block_length(misfits[:, int(misfits.sum(axis=0).argmin())])
    drawn = bootstrap.sums(misfits, length, seed=1)
    is_best = np.isclose(drawn, drawn.min(axis=1, keepdims=True))
    low, _ = bootstrap.interval(limits[is_best.argmax(axis=1)])
    _, high = bootstrap.interval(limits[len(limits) - 1 - is_best[:, ::-1].argmax(axis=1)])
    return low, high
