"""What a prediction takes for granted, and what it can't know, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadtester.plan.asked import Asked
from loadtester.plan.model_facts import model_facts
from loadtester.plan.service import MEDIAN_TOKENS, OTHER_MEDIAN_TOKENS, is_bundled, quota_of, service_of
from loadtester.scenario import Scenario

#: The part of a minute's tokens that one simulated row may reserve before a note says that it is coarse.
_LUMP: Final = 0.02


def notes(scenario: Scenario, rows: Asked, weight: float, in_flight_peak: float, *, is_timed: bool) -> tuple[str, ...]:
    """One sentence or two for each of them."""
    found = [*_unknown(scenario, rows), *_limits(scenario, rows), *_crowds(scenario, in_flight_peak)]
    if not is_timed:
        slow = [model for model in rows.models if not model_facts(model).is_known]
        what = f"of {', '.join(slow)}" if slow else "of this target"
        found.append(f"the answer times {what} are not known: SLA unknown; the rest as if it were Claude 3")
    if scenario.has_crud:
        found.append("plain requests (crud) are taken to be answered at once, and to meet no limit")
    if weight > 1:
        found.append(f"one in {weight:.1f} conversations was simulated, others in each run, and stands for the rest")
        if is_coarse(scenario, weight):
            found.append("beside this quota that is coarse, and overstates throttling: plan a part of the run alone")
    return tuple(found)


def _unknown(scenario: Scenario, rows: Asked) -> Iterator[str]:
    """What nobody has said of the target."""
    if not is_bundled(scenario) and quota_of(scenario).tokens_per_minute is None:
        yield (
            "the target's quota is not known, so nothing is predicted to be throttled by tokens; state it as "
            "quota: {tokens_per_minute: N} or FMLOAD_QUOTA_TOKENS_PER_MINUTE"
        )
    if not service_of(scenario).is_known:
        yield (
            "what the service adds to each prompt is not known and left out of tokens and cost; state it as "
            "quota: {prompt_tokens: N} or FMLOAD_QUOTA_PROMPT_TOKENS"
        )
    if (rows.wanted_tokens > 0).all():
        return
    strange = [query.name for query in scenario.mix if query.model and query.name not in MEDIAN_TOKENS]
    if strange:
        yield f"answers to {', '.join(strange)} are taken to have {OTHER_MEDIAN_TOKENS} tokens at the median"
    if not is_bundled(scenario):
        yield "answers are taken to be as long as MangaAssist's; the ranges do not cover that another target's are not"


def _limits(scenario: Scenario, rows: Asked) -> Iterator[str]:
    """A quota that lets nothing through."""
    limit = quota_of(scenario).tokens_per_minute
    service = service_of(scenario)
    asking = rows.asks_model
    if not asking.any():
        return
    added = 0 if rows.is_bare[asking].any() else min(service.english_tokens, service.japanese_tokens)
    least = int((rows.prompt_tokens + rows.max_tokens)[asking].min()) + added
    if limit is not None and least > limit:
        yield (
            f"each request reserves {least:,} tokens or more, and the quota is {limit:,} a minute: nothing is "
            "admitted; lower --max-tokens, or ask for more quota"
        )


def is_coarse(scenario: Scenario, weight: float) -> bool:
    """Whether one simulated row takes so much of a minute that the quota seems to come in lumps."""
    limit = quota_of(scenario).tokens_per_minute
    return weight > 1 and limit is not None and weight * scenario.max_tokens > _LUMP * limit


def _crowds(scenario: Scenario, in_flight_peak: float) -> Iterator[str]:
    """What so many at once meet that is not simulated."""
    load = scenario.load
    if load.pattern == "users":
        yield "users are taken to get each answer in its usual time: who is throttled asks again sooner than planned"
    if in_flight_peak > load.max_in_flight:
        yield f"more requests are in flight than --max-in-flight {load.max_in_flight:,} lets through: some are dropped"
    connections = scenario.bundled.model_connections
    if is_bundled(scenario) and scenario.target.protocol != "bedrock" and in_flight_peak > connections:
        yield (
            f"more requests are in flight than MangaAssist's {connections} connections to Bedrock: who waits over two "
            "seconds for one gets an error, which is not predicted"
        )
