"""What a stated quota lets in for good, by the tokens that a search's steps used, and which passes it bears out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadtester.analysis.quotas.calls import MOST_CALLS
from loadtester.analysis.quotas.quota import ModelQuota, Quota
from loadtester.analysis.search.step import Bounds, Step

_MINUTE_S: Final = 60.0
#: Rates closer than this are the same.
_SAME: Final = 1 + 1e-9
#: Surges that found no bottom of a bucket so often are given up: there is no quota there.
MOST_SURGES: Final = 3
#: Goals that a refused request breaks: of them a quota's own rate foretells where they fail.
REFUSALS_BREAK: Final = ("sla", "throttle_rate")


def allowed_per_s(quota: Quota | None, requests: int) -> float | None:
    """The rate of all `requests` of a run at which a model's stated quota is used up; None where none is stated.

    A call is charged what it used at its end, so in the long run limit / used a minute are let in, whatever calls
    reserve meanwhile; that of the model which comes to its limit first. A quota's calls are those of the first
    MOST_CALLS requests.
    """
    looked_at = min(requests, MOST_CALLS)
    rates = [
        calls_per_minute / _MINUTE_S * looked_at / one.offered
        for one in (quota.by_model.values() if quota is not None else ())
        for calls_per_minute in _calls_per_minute(one)
    ]
    return min(rates, default=None)


def _calls_per_minute(one: ModelQuota) -> list[float]:
    """By its tokens and by its requests, as far as those limits are stated."""
    rates = [] if one.stated_requests_per_minute is None else [float(one.stated_requests_per_minute)]
    if one.stated_tokens_per_minute is not None and one.used_mean:
        rates.append(one.stated_tokens_per_minute / one.used_mean)
    return rates


def stated_per_s(steps: Sequence[Step]) -> float | None:
    """What the stated quota lets in a second, by the mean request of all steps; None where none is stated."""
    known = [(step.window.answered, step.allowed_per_s) for step in steps if step.allowed_per_s]
    count = sum(answered for answered, _ in known)
    # Tokens of a request average, their inverse doesn't.
    return count / sum(answered / allowed for answered, allowed in known) if count else None


def edge_per_s(bounds: Bounds, steps: Sequence[Step]) -> float | None:
    """The highest rate that the stated quota lets keep the goal for good; None where none is stated."""
    allowed = stated_per_s(steps)
    if allowed is None:
        return None
    return allowed / bounds.goal.needed if bounds.goal.metric in REFUSALS_BREAK else allowed


def looks_good(bounds: Bounds, step: Step) -> bool:
    """Whether it passed, or would by its value."""
    if step.verdict != "undecided":
        return step.verdict == "pass"
    good = step.window.good
    return good is not None and good >= bounds.goal.needed and not step.window.grown


def is_met(steps: Sequence[Step]) -> bool:
    """Whether a quota refused requests."""
    return any(step.window.is_refused for step in steps)


def is_refuted(steps: Sequence[Step]) -> bool:
    """Whether surges that should have met the stated quota did not: then it isn't what the target keeps to."""
    return not is_met(steps) and sum(bool(step.probe.surge_s) for step in steps) >= MOST_SURGES


def is_borne_out(bounds: Bounds, steps: Sequence[Step], step: Step) -> bool:
    """Whether the stated quota, if there is one, lets the step's rate in for longer than a full bucket lasts."""
    edge = edge_per_s(bounds, steps)
    return edge is None or step.rate_per_s <= edge or is_refuted(steps)


def is_topped(bounds: Bounds, steps: Sequence[Step]) -> bool:
    """Whether a rate over the stated quota looked good, none was refused, and there is no faster one to try."""
    if is_met(steps) or all(is_borne_out(bounds, steps, step) or not looks_good(bounds, step) for step in steps):
        return False
    top_per_s = max(step.rate_per_s for step in steps)
    return top_per_s * _SAME >= bounds.to_per_s or any(step.verdict == "fail" for step in steps)
