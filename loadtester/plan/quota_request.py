"""What AWS asks for when an account wants more quota, from a plan: stated and simulated, nothing of it measured."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from loadtester.cost.bill import Line, Lines, numbered
from loadtester.cost.quota_request import markdown, needs
from loadtester.plan.prediction import Part, Prediction
from loadtester.scenario import Scenario
from loadtester.schedule.calibration import WEEKDAY_BY_HOUR


def quota_request(scenario: Scenario, plan: Prediction) -> str:
    """The request as Markdown: the mix at the scenario's messages a day, and at the modelled weekday's peak."""
    messages_per_day = scenario.judge.daily_messages
    peak = Decimal(str(max(WEEKDAY_BY_HOUR))).quantize(Decimal("0.01"))
    return markdown(
        needs(_lines(scenario, plan), messages_per_day, peak, scenario.max_tokens),
        region=scenario.target.region,
        growth=Decimal(0),
        messages_per_day=messages_per_day,
        peak=peak,
        evidence=tuple(_evidence(plan)),
    )


def _lines(scenario: Scenario, plan: Prediction) -> Lines:
    """Parts of all requests by query type, with the mean tokens of those that no limit refuses."""
    return numbered(
        _line(query.name, query.model, plan.by_query[query.name], plan)
        for query in scenario.mix
        if query.model and query.name in plan.by_query and plan.by_query[query.name].requests
    )


def _line(query: str, model: str, part: Part, plan: Prediction) -> Line:
    share = Decimal(part.requests) / Decimal(plan.total.requests)
    # Where a type's requests are all refused, those of every type stand in.
    known = next((one for one in (part, plan.total) if _admitted(one)), part)
    admitted = Decimal(_admitted(known) or 1)
    return Line(
        query,
        model,
        share,
        input=Decimal(known.input_tokens.mean) / admitted,
        output=Decimal(known.output_tokens.mean) / admitted,
    )


def _admitted(part: Part) -> float:
    return part.requests * (1 - part.throttle_rate.mean)


def _evidence(plan: Prediction) -> Iterator[str]:
    yield (
        f"plan {plan.name}: {plan.total.requests:,.0f} requests in {plan.duration_s:g} s, simulated {plan.runs} times "
        "from stated lengths; not measured (fmload plan)"
    )
    if plan.quota.tokens_per_minute is not None:
        yield (
            f"with {plan.quota.tokens_per_minute:,} tokens a minute a model "
            f"{plan.total.throttle_rate.mean:.1%} of them are refused"
        )
    busiest = max(plan.minutes, key=lambda minute: minute.requests)
    yield f"the plan's busiest minute has {busiest.requests:,.0f} requests, from {busiest.start_s:g} s on"
    yield from (f"of it {model}: {tokens:,.0f} tokens reserved" for model, tokens in busiest.reserved.items() if model)
    yield "the peak above is the busiest hour of a modelled weekday, not measured"
