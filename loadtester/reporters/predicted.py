"""What `fmload plan` would have said of a run, beside what the run measured."""

from __future__ import annotations

from typing import Any

from loadtester.analysis import Report


def predicted(report: Report) -> dict[str, dict[str, Any]] | None:
    """By figure its prediction, the range of it where there is one, and its measurement.

    None without a prediction, and for a run that was stopped: it did not do what was predicted.
    """
    plan = report.manifest["plan"].get("prediction")
    if not plan or report.manifest.get("status") != "complete":
        return None
    rates, cost = report.total.rates, report.total.cost
    return {
        "throttle_rate": {**plan["throttle_rate"], "measured": rates.throttle_rate},
        "cost_usd": {**plan["cost_usd"], "measured": cost.run},
        "sla": {"mean": plan["sla"], "measured": rates.sla},
    }
