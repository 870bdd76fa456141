"""What of a budget is on record as spent, where the run was killed and could not close its books."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loadtester.analysis.report import Report


def spent_so_far(report: Report) -> Mapping[str, Any] | None:
    """The manifest's `budget` of a run that has none but a cap, from the seconds on record; None where it has both.

    `assumed_usd` is 0: what was in flight when the run was killed is neither on record nor in it.
    """
    manifest = report.manifest
    cap = (manifest["scenario"].get("safety") or {}).get("max_cost_usd")
    spent = report.total.cost.run
    if manifest.get("status") != "running" or manifest.get("budget") or cap is None or spent is None:
        return None
    cap_usd = Decimal(str(cap))
    return {
        "cap_usd": str(cap_usd),
        "spent_usd": str(spent),
        "assumed_usd": "0",
        "over_usd": str(max(Decimal(0), spent - cap_usd)),
        "assumed_requests": 0,
        "underestimated_requests": 0,
        "is_open": True,
    }
