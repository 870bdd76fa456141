"""What is looked at before a run starts: whether its bounds can be kept."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from loadtester.cost import PriceTable
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Plan
from loadtester.fleet.reservation import worst_case
from loadtester.model import Request
from loadtester.scenario import QueryType, Scenario
from loadtester.scenario.units import rate_text
from loadtester.schedule import Users
from loadtester.workload import estimate

_SECOND_NS = 1_000_000_000


def require_bounds(scenario: Scenario, load: Plan, prices: PriceTable) -> None:
    """Raise FmloadError where the plan is over --max-rate, or --max-cost meets a model without a price.

    Also where --max-cost has no room for any request: code 112, as for a run that stopped at it.
    """
    if scenario.safety.max_cost_usd is not None:
        _require_prices(scenario, prices)
        _require_room(scenario, scenario.safety.max_cost_usd, prices)
    most_per_s = scenario.safety.max_rate_per_s
    if most_per_s is None or isinstance(load, Users) or not len(load):
        return
    by_second = np.bincount(load.due_ns // _SECOND_NS)
    busiest = int(by_second.argmax())
    if by_second[busiest] > most_per_s:
        raise FmloadError(
            f"the plan has {by_second[busiest]:,} requests due in its busiest second, {busiest} s after its start, "
            f"and --max-rate allows {rate_text(most_per_s)}",
            remedy="lower the rate or the stages, replay the trace more slowly (--speed), or raise --max-rate",
            code=Exit.USAGE,
        )


def _require_room(scenario: Scenario, cap_usd: Decimal, prices: PriceTable) -> None:
    """At least the cheapest first question of the mix has to fit, at its worst."""
    worst_usd = worst_case(scenario, prices.usd)
    is_bare = scenario.load.trace is not None
    by_query = {
        query.name: worst_usd(_first_question(query, scenario.max_tokens, is_bare=is_bare))
        for query in scenario.mix
        if query.model
    }
    if not by_query or len(by_query) < len(scenario.mix):
        return  # what asks no model costs nothing
    cheapest = min(by_query, key=lambda name: by_query[name])
    if by_query[cheapest] <= cap_usd:
        return
    raise FmloadError(
        f"--max-cost ${cap_usd:f} has no room for a single request: one of the cheapest kind, {cheapest}, may cost "
        f"${by_query[cheapest]:.6f} at worst, which is set aside until its bill is known",
        remedy=f"raise --max-cost over ${max(by_query.values()):.6f}, the worst of all kinds, times the requests that "
        f"are in flight at once, or lower --max-tokens ({scenario.max_tokens:,})",
        code=Exit.BUDGET,
    )


def _first_question(query: QueryType, max_tokens: int, *, is_bare: bool) -> Request:
    """A conversation's first question, the shortest of the type's: the least that any of them is set aside for."""
    prompt = min(query.prompts, key=estimate, default="")
    return Request(0, query.name, query.kind, query.model, prompt, "", 1, max_tokens, "en", is_bare=is_bare)


def _require_prices(scenario: Scenario, prices: PriceTable) -> None:
    for model in sorted({query.model for query in scenario.mix if query.model}):
        price = prices.price(model)
        if price is None or price.output is None:
            near = prices.near(model)
            like = f"did you mean {', '.join(near)}? otherwise " if near else ""
            raise FmloadError(
                f"--max-cost can't be kept: no price is known for the model {model!r}",
                remedy=f"{like}state one in the scenario: prices: {{{model!r}: {{input: 0.80, output: 4.00}}}}",
                code=Exit.USAGE,
            )
