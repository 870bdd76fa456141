"""What a run found out of its models' quotas: offered, admitted and completed, when throttling began, and the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtester.analysis.quotas.calls import CallLog, Calls, Flags, Floats
from loadtester.analysis.quotas.knees import Knees, knees_of, own_trouble
from loadtester.analysis.quotas.limit import MINUTE_S, InferredLimit, infer_limit
from loadtester.recorder import Recording

#: Spans of the course that is shown.
_MOST_SPANS: Final = 300


@dataclass(frozen=True, slots=True)
class Busiest:
    """The minute, or less where the run was shorter, in which admitted calls used the most tokens."""

    start_s: float
    requests: int
    reserved_tokens: float
    used_tokens: float


@dataclass(frozen=True, slots=True)
class Began:
    """When throttling began, and what the calls admitted in the minute before it had reserved, and used by then."""

    at_s: float
    offered_per_s: float
    reserved_tokens: float
    used_tokens: float


@dataclass(frozen=True, slots=True)
class Course:
    """Counts of calls by span of `width_s`: when they were due, were admitted or refused, and were completed."""

    width_s: float
    offered: tuple[int, ...]
    admitted: tuple[int, ...]
    throttled: tuple[int, ...]
    completed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelQuota:
    """One model's quota; limits are None where none is stated, `inferred` where nothing tells it.

    `headroom` is the part of the stated tokens a minute that the busiest one left unused. `reserved_mean` and
    `used_mean` are tokens of an admitted call, at its start and at its end. `asked_tokens_per_minute` is what all calls
    offered in the busiest minute would use, `needed_tokens_per_minute` what would have let them in; of calls over
    less than a minute, over `scaled_from_s`, both are scaled to one. `estimated` calls were refused, and had their
    prompts taken to be as long as the others'. `retried` of the admitted ones were refused at first; where there are
    any, no limit is inferred.
    """

    offered: int
    admitted: int
    throttled: int
    retried: int
    completed: int
    stated_tokens_per_minute: int | None
    stated_requests_per_minute: int | None
    headroom: float | None
    busiest: Busiest
    began: Began | None
    inferred: InferredLimit | None
    reserved_mean: float | None
    used_mean: float | None
    asked_tokens_per_minute: float | None
    needed_tokens_per_minute: float | None
    scaled_from_s: float | None
    output_p99: float | None
    estimated: int
    course: Course


@dataclass(frozen=True, slots=True)
class Quota:
    """Quotas by model, and which knee the run met: that of a quota, that of the service, or neither."""

    knees: Knees
    by_model: Mapping[str, ModelQuota]


def quota_of(manifest: Mapping[str, Any], calls: CallLog, run: Recording | None = None) -> Quota | None:
    """The quotas of a run, from its manifest and its calls, which it takes; None where it asked no model.

    With `run`, what its generator's own trouble made slow is not the service's.
    """
    scenario = manifest["scenario"]
    by_model = calls.by_model(int(scenario.get("max_tokens") or 0))
    if not by_model:
        return None
    duration_s = float(manifest["plan"]["duration_s"])
    stated = _stated(scenario)
    return Quota(
        knees_of(by_model, duration_s, () if run is None else own_trouble(run)),
        {model: _model(calls, stated, duration_s) for model, calls in by_model.items()},
    )


def is_bundled(scenario: Mapping[str, Any]) -> bool:
    """Whether a manifest's scenario has fmload start the target itself."""
    target = scenario.get("target") or {}
    return not any(target.get(name) for name in ("url", "endpoint_url", "region"))


def _stated(scenario: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens and requests a minute that the scenario states of its target, or sets on the bundled one."""
    section = scenario.get("bundled" if is_bundled(scenario) else "quota") or {}
    return section.get("tokens_per_minute") or None, section.get("requests_per_minute") or None


def _model(calls: Calls, stated: tuple[int | None, int | None], duration_s: float) -> ModelQuota:
    admitted = calls.is_admitted
    busiest = _busiest(calls)
    tokens, requests = stated
    asked, needed = _needed(calls) if admitted.any() else (None, None)
    n_admitted, n_refused = int(admitted.sum()), int(calls.is_refused.sum())
    return ModelQuota(
        offered=len(calls),
        admitted=n_admitted,
        throttled=n_refused,
        retried=int(calls.is_retried.sum()),
        completed=int(calls.is_ok.sum()),
        stated_tokens_per_minute=tokens,
        stated_requests_per_minute=requests,
        headroom=None if tokens is None else 1 - busiest.used_tokens / tokens,
        busiest=busiest,
        began=_began(calls) if n_refused or calls.is_retried.any() else None,
        inferred=infer_limit(calls),
        reserved_mean=float(calls.held[admitted].mean()) if n_admitted else None,
        used_mean=float(calls.charged[admitted].mean()) if n_admitted else None,
        asked_tokens_per_minute=asked,
        needed_tokens_per_minute=needed,
        scaled_from_s=span_s if needed is not None and (span_s := _span_s(calls)) <= MINUTE_S - 1 else None,
        output_p99=float(np.percentile(calls.output[admitted], 99)) if n_admitted else None,
        estimated=n_refused,
        course=_course(calls, duration_s),
    )


def _needed(calls: Calls) -> tuple[float, float]:
    """Tokens a minute that the calls of the busiest minute use, and that with what those under way hold beyond.

    Calls under way are their rate times their mean time (Little, 1961).
    """
    mine = calls.is_admitted & np.isfinite(calls.done_s)
    per_s = float(_a_minute(calls.due_s).max()) / _span_s(calls)
    used, held = float(calls.charged[mine].mean()), float(calls.held[mine].mean())
    # Of a call that was tried again the time before it got in is in done - sent: the others tell, where there are any.
    at_once = mine & ~calls.is_retried if (mine & ~calls.is_retried).any() else mine
    under_way = per_s * float((calls.done_s[at_once] - calls.sent_s[at_once]).mean())
    asked = per_s * MINUTE_S * used
    return asked, asked + under_way * max(0.0, held - used)


def _span_s(calls: Calls) -> float:
    """Over how much of a minute, from 1 s on, calls were due."""
    return min(MINUTE_S, max(1.0, float(calls.due_s.max() - calls.due_s.min())))


def _a_minute(moments_s: Floats, weights: Floats | None = None) -> Floats:
    """For each whole second the sum of what lies in the sixty from it on; with no weights, a count."""
    reach = np.concatenate([[0.0], np.cumsum(np.bincount(moments_s.astype(np.int64), weights))])
    last = len(reach) - 1
    starts = np.arange(last)
    found: Floats = reach[np.minimum(starts + int(MINUTE_S), last)] - reach[starts]
    return found


def _busiest(calls: Calls) -> Busiest:
    mine = calls.is_admitted
    if not mine.any():
        return Busiest(0.0, 0, 0.0, 0.0)
    sent_s = calls.sent_s[mine]
    used = _a_minute(sent_s, calls.charged[mine])
    start = int(np.flatnonzero(used == used.max())[-1])  # of equals the last begins with a call
    return Busiest(
        start_s=float(start),
        requests=int(_a_minute(sent_s)[start]),
        reserved_tokens=float(_a_minute(sent_s, calls.held[mine])[start]),
        used_tokens=float(used[start]),
    )


def _began(calls: Calls) -> Began:
    at_s = float(calls.sent_s[calls.is_refused | calls.is_retried][0])
    in_minute = (calls.sent_s >= at_s - MINUTE_S) & (calls.sent_s < at_s) & calls.is_admitted
    # What is due in the second around it: half before, half after.
    offered = (calls.due_s >= at_s - 0.5) & (calls.due_s < at_s + 0.5)
    return Began(
        at_s=at_s,
        offered_per_s=float(offered.sum()) / min(1.0, at_s + 0.5),
        reserved_tokens=float(calls.held[in_minute].sum()),
        used_tokens=float(calls.charged[in_minute & (calls.done_s <= at_s)].sum()),
    )


def _course(calls: Calls, duration_s: float) -> Course:
    done_s = calls.done_s[calls.is_ok]
    end_s = max(duration_s, float(done_s.max(initial=0.0)))
    width_s = max(1.0, float(np.ceil(end_s / _MOST_SPANS)))
    count = int(end_s // width_s) + 1

    def by_span(moments_s: Floats, keep: Flags) -> tuple[int, ...]:
        places = np.minimum(moments_s[keep & np.isfinite(moments_s)] / width_s, count - 1).astype(np.int64)
        return tuple(np.bincount(places, minlength=count).tolist())

    return Course(
        width_s=width_s,
        offered=by_span(calls.due_s, np.ones(len(calls), dtype=np.bool_)),
        admitted=by_span(calls.sent_s, calls.is_admitted),
        throttled=by_span(calls.sent_s, calls.is_refused),
        completed=by_span(calls.done_s, calls.is_ok),
    )
