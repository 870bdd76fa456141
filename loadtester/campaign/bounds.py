"""What is looked at before a run starts: whether its bounds can be kept."""

from __future__ import annotations

import numpy as np

from loadtester.cost import PriceTable
from loadtester.errors import Exit, FmloadError
from loadtester.fleet import Plan
from loadtester.scenario import Scenario
from loadtester.scenario.units import rate_text
from loadtester.schedule import Users

_SECOND_NS = 1_000_000_000


def require_bounds(scenario: Scenario, load: Plan, prices: PriceTable) -> None:
    """Raise FmloadError where the plan is over --max-rate, or --max-cost meets a model without a price."""
    if scenario.safety.max_cost_usd is not None:
        _require_prices(scenario, prices)
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
