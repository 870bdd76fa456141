"""The run's bounds in its prediction: where they end it, and what of them is not in it."""

from __future__ import annotations

from collections.abc import Iterator

from loadtester.scenario import Scenario
from loadtester.scenario.units import rate_text
from loadtester.schedule import Arrivals, Users


def bounds(scenario: Scenario, load: Arrivals | Users, requests: float) -> Iterator[str]:
    """A sentence for each bound that a run of so many `requests`, or users, may meet."""
    safety = scenario.safety
    most = safety.max_requests
    if most is not None and (len(load) > most if isinstance(load, Arrivals) else requests >= most):
        yield f"--max-requests {most:,} ends the run there; what the plan has beyond is left out"
    if safety.max_cost_usd is not None:
        yield (
            f"the prediction is without --max-cost ${safety.max_cost_usd:,f}: "
            "the run stops before its bill could pass it"
        )
    if safety.max_rate_per_s is not None and isinstance(load, Users):
        yield f"the prediction is without --max-rate {rate_text(safety.max_rate_per_s)}, which holds users back"
    if scenario.load.on_throttle == "backoff":
        yield (
            "the prediction is without --on-throttle backoff: what is throttled at first may be answered in the end, "
            "and the bill come near to the one without any limit"
        )
