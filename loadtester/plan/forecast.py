"""A prediction in small, quick enough to be made at the start of every run: what its report is held against."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from loadtester.cost import PriceTable
from loadtester.errors import FmloadError
from loadtester.plan.notes import is_coarse
from loadtester.plan.predict import predict
from loadtester.plan.service import service_of
from loadtester.scenario import Scenario
from loadtester.schedule import Arrivals, Users
from loadtester.workload import mean_think_s

#: Rows simulated in a run: about a tenth of a second, and where that thins the plan, in each of four runs.
_MOST_ROWS: Final = 12_000
#: Seconds that an answer takes, for how many questions users may come to.
_ANSWER_S: Final = 2.0


def forecast(scenario: Scenario, load: Arrivals | Users, prices: PriceTable) -> dict[str, Any] | None:
    """Throttle rate, cost and SLA as a run's manifest keeps them; None where nothing can be predicted."""
    count = _requests(scenario, load)
    parts = max(1, -(-min(count, scenario.safety.max_requests or count) // _MOST_ROWS))
    if parts > len(load) or is_coarse(scenario, float(parts)):
        return None
    try:
        whole = predict(scenario, load, prices, most_rows=_MOST_ROWS, parts=parts)
    except FmloadError:
        return None
    rate, usd = whole.total.throttle_rate, whole.total.usd
    return {
        "throttle_rate": {"mean": rate.mean, "low": rate.low, "high": rate.high},
        "cost_usd": {"mean": float(usd.mean), "low": float(usd.low), "high": float(usd.high)},
        "sla": whole.sla,
        "rows": whole.rows,
        "runs": whole.runs,
    }


def _requests(scenario: Scenario, load: Arrivals | Users) -> int:
    """How many requests there will be, about."""
    if isinstance(load, Arrivals):
        return len(load)
    stay_s = float(np.sum(load.end_ns - load.start_ns)) * 1e-9
    each_s = mean_think_s(scenario.load.think_time) + _ANSWER_S * service_of(scenario).time_scale
    return int(stay_s / max(each_s, 1e-3))
