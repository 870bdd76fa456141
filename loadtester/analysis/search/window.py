"""What one step of a search showed, in the part of its time that counts.

Shares have a 95 % interval (Wilson, JASA 22, 1927) for as many independent requests as theirs are worth: bad requests
come in clumps, so blocks of time are resampled, and what their variance is over that of independent ones divides the
number of requests (Kish's design effect, Survey Sampling, 1965).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from loadtester.analysis.search.goal import Goal
from loadtester.analysis.search.step_requests import Flags, Floats, Requests
from loadtester.cost import bootstrap

Cause = Literal["quota", "latency", "errors", "backlog", "dropped"]

_UNENDED: Final = ("dropped", "cancelled")
_SLOW: Final = ("ok", "timeout", "model_timeout")
_SPANS: Final = 60
_Z: Final = 1.959964
#: Part of the requests that may be refused, or dropped, before that counts as having been met.
_FEW: Final = 0.001
_FEW_DROPPED: Final = 0.01
#: Refusals that show a bucket to be empty.
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The figures of a step.

    `value` is the goal's own figure (a fraction, or seconds) with its interval `ci95`; `good` the share that the goal
    comes down to, with `good_ci95`; both None where nothing counted. `is_refused`: a quota was met in the step,
    `was_empty`: it had been refusing before the window began, `is_empty`: it was when the step ended.
    `let_in_per_s` is what it let in a second from its first refusal on. `grown` is how many more requests were in
    flight at the window's end than once it had settled, where that is more than chance makes of Poisson arrivals.
    `answered` were ok, `in_flight` and `answered_per_s` are means over those. `given_up` of all
    the step's requests timed out here, and may still be worked on there.
    """

    count: int
    value: float | None
    ci95: tuple[float, float] | None
    good: float | None
    good_ci95: tuple[float, float] | None
    cause: Cause | None
    is_refused: bool
    was_empty: bool
    is_empty: bool
    let_in_per_s: float | None
    grown: int
    dropped: float
    from_s: float
    answered: int
    in_flight: float
    answered_per_s: float
    given_up: int = 0


def window_of(
    requests: Requests, goal: Goal, slo_s: float, *, start_s: float, end_s: float, is_bucket: bool = True
) -> Window:
    """The figures of requests due from `start_s` until `end_s`; what was due before only primes and settles.

    Where a quota that is a bucket began to refuse only inside the window, what counts begins there: it was not empty
    before.
    """
    is_throttled = requests.had("throttled")
    refused_s = requests.due_s[is_throttled]
    was_empty = int((refused_s < start_s).sum()) >= _SHOWN
    is_refused = len(refused_s) > max(_FEW * len(requests.due_s), _SHOWN - 1)
    from_s = start_s
    if is_bucket and is_refused and not was_empty:
        # The refusal itself would weigh the figure down: it is what the beginning was chosen by.
        from_s = float(np.nextafter(max(start_s, refused_s[0]), math.inf))
    due = (requests.due_s >= from_s) & (requests.due_s < end_s)
    counted, is_good = _counted(requests, goal, slo_s)
    counted &= due
    good, interval = _share(requests.due_s[counted], is_good[counted], from_s, end_s)
    value, ci95 = _figure(requests, goal, counted, good, interval)
    grown = _grown(requests, start_s, end_s)
    n_due = int(due.sum())
    dropped = float((requests.had("dropped") & due).sum()) / n_due if n_due else 0.0
    ok = due & requests.had("ok")
    span_s = max(end_s - from_s, 1e-9)
    return Window(
        count=int(counted.sum()),
        value=value,
        ci95=ci95,
        good=good,
        good_ci95=interval,
        cause=_cause(requests, counted & ~is_good, grown, dropped),
        is_refused=is_refused,
        was_empty=was_empty,
        is_empty=is_refused and _ends_empty(requests, is_throttled, end_s),
        let_in_per_s=_let_in(requests, is_throttled, end_s) if is_refused else None,
        grown=grown,
        dropped=dropped,
        from_s=from_s,
        answered=int(ok.sum()),
        in_flight=float((requests.done_s[ok] - requests.sent_s[ok]).sum()) / span_s,
        answered_per_s=float(ok.sum()) / span_s,
        given_up=int(requests.had("timeout").sum()),
    )


def _counted(requests: Requests, goal: Goal, slo_s: float) -> tuple[Flags, Flags]:
    """Which requests the goal is about, and which of all are good."""
    ok = requests.had("ok")
    ended = ~requests.had(*_UNENDED) & np.isfinite(requests.sent_s) & requests.is_mine
    if goal.is_percentile:
        return ok & requests.is_mine, ok & (_taken(requests, goal.metric) <= goal.limit)
    if goal.metric == "sla":
        return ended, ok & (_taken(requests, "latency") <= slo_s)
    if goal.metric == "error_rate":
        return ended, requests.had("ok", "throttled")
    outcome = "throttled" if goal.metric == "throttle_rate" else goal.metric.removesuffix("_rate")
    return ended, ~requests.had(outcome)


def _taken(requests: Requests, metric: str) -> Floats:
    """Seconds by docs/measurement.md; infinite where a request never came to that."""
    start_s = requests.sent_s if metric in ("service", "ttft_service") else requests.due_s
    end_s = requests.first_s if metric.startswith("ttft") else requests.done_s
    return np.where(np.isfinite(start_s), end_s - np.where(np.isfinite(start_s), start_s, 0.0), math.inf)


def _share(
    due_s: Floats, is_good: Flags, from_s: float, end_s: float
) -> tuple[float | None, tuple[float, float] | None]:
    n = len(due_s)
    if not n or end_s <= from_s:
        return None, None
    good = float(is_good.mean())
    n_effective = n / _design_effect(due_s, is_good, from_s, end_s)
    return good, wilson(good, n_effective)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share of `n` independent requests."""
    spread = _Z * math.sqrt(share * (1 - share) / n + (_Z / (2 * n)) ** 2)
    middle, scale = share + _Z**2 / (2 * n), 1 + _Z**2 / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _design_effect(due_s: Floats, is_good: Flags, from_s: float, end_s: float) -> float:
    """How many requests in a row say as much as an independent one: 1 or more."""
    n, bad = len(due_s), float((~is_good).sum())
    if not bad or bad == n or n < _SPANS:
        return 1.0
    span = np.minimum((due_s - from_s) / (end_s - from_s) * _SPANS, _SPANS - 1).astype(np.int64)
    columns = np.stack([np.bincount(span, ~is_good, _SPANS), np.bincount(span, minlength=_SPANS).astype(float)], axis=1)
    residual = columns[:, 0] - columns[:, 1] * bad / n
    drawn = bootstrap.sums(columns, bootstrap.block_length(residual), seed=1)
    found = drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
    share = bad / n
    return min(float(n), max(1.0, float(found.var()) / (share * (1 - share) / n)))


def _figure(
    requests: Requests, goal: Goal, counted: Flags, good: float | None, interval: tuple[float, float] | None
) -> tuple[float | None, tuple[float, float] | None]:
    """The goal's own figure: the share, its complement, or the percentile with the interval of its rank."""
    if good is None or interval is None:
        return None, None
    low, high = interval
    if goal.metric == "sla":
        return good, interval
    if not goal.is_percentile:
        return 1 - good, (1 - high, 1 - low)
    taken_s = np.sort(_taken(requests, goal.metric)[counted])
    half = (high - low) / 2
    ranks = [min(max(goal.needed + shift, 0.0), 1.0) for shift in (0.0, -half, half)]
    value, lower, upper = (float(taken_s[min(int(rank * len(taken_s)), len(taken_s) - 1)]) for rank in ranks)
    return value, (lower, upper)


def _grown(requests: Requests, start_s: float, end_s: float) -> int:
    """How many more were in flight at the end than at first; 0 where chance could have made it.

    Of n Poisson arrivals at a full service as many more than √n come by chance; at one that keeps up far fewer stay.
    Looked at once the longest answers of the beginning could have ended.
    """
    ended = np.isfinite(requests.done_s) & np.isfinite(requests.sent_s)
    if not ended.any():
        return 0
    took_s = float(np.quantile(requests.done_s[ended] - requests.sent_s[ended], 0.95))
    first_s = start_s + min(took_s, (end_s - start_s) / 2)

    def in_flight(at_s: float) -> int:
        return int(((requests.sent_s <= at_s) & (requests.done_s > at_s)).sum())

    arrived = int(((requests.due_s >= first_s) & (requests.due_s < end_s)).sum())
    grown = in_flight(end_s) - in_flight(first_s)
    return grown if arrived and grown > 2 * math.sqrt(arrived) else 0


def _cause(requests: Requests, bad: Flags, grown: int, dropped: float) -> Cause | None:
    """What most of the bad requests had in common."""
    if dropped > _FEW_DROPPED:
        return "dropped"
    if bad.any():
        counts: dict[Cause, int] = {
            "quota": int((bad & requests.had("throttled")).sum()),
            "latency": int((bad & requests.had(*_SLOW)).sum()),
        }
        counts["errors"] = int(bad.sum()) - sum(counts.values())
        return max(counts, key=lambda cause: counts[cause])
    return "backlog" if grown else None


def _ends_empty(requests: Requests, is_throttled: Flags, end_s: float) -> bool:
    """Whether a quota still refused in the last tenth."""
    since_s = end_s - 0.1 * (end_s - float(requests.due_s[0]))
    return bool((requests.due_s[is_throttled] >= since_s).any())


def _let_in(requests: Requests, is_throttled: Flags, end_s: float) -> float | None:
    """Requests a second that were not refused, from the first refusal to the last."""
    refused_s = requests.due_s[is_throttled]
    from_s, to_s = float(refused_s[0]), min(float(refused_s[-1]), end_s)
    among = (requests.due_s > from_s) & (requests.due_s <= to_s) & ~is_throttled & ~requests.had("dropped")
    return float(among.sum()) / (to_s - from_s) if to_s > from_s else None
