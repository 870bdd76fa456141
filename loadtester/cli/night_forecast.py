"""What a night would take and cost, before it: for people, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtester.campaign.nightly import Forecast
    from loadtester.scenario.suite import Suite

_NOTE = "At list prices; the bundled target bills nobody. Nothing was sent."


def forecast_page(_suite: Suite, found: Sequence[Forecast]) -> str:
    """A line for each scenario and their sum; ends with a line end."""
    from loadtester.reporters.night_text import columns  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.scenario.units import duration_text  # noqa: PLC0415

    rows = [("scenario", "length", "requests", "cost", "up to")]
    rows += [
        (one.name, duration_text(one.duration_s), _count(one.requests), _usd(one.usd), _usd(one.usd_high))
        for one in found
    ]
    rows.append(
        (
            "all",
            duration_text(sum(one.duration_s for one in found)),
            _count(sum(one.requests or 0.0 for one in found)),
            _usd(sum((one.usd or Decimal(0) for one in found), Decimal(0))),
            _usd(sum((one.usd_high or Decimal(0) for one in found), Decimal(0))),
        )
    )
    said = [f"{one.name}: no prediction: {one.problem}" for one in found if one.problem]
    return "\n".join([*columns(rows, left=1), "", *said, _NOTE]) + "\n"


def forecast_json(suite: Suite, found: Sequence[Forecast]) -> str:
    """The same as JSON; null where nothing can be told."""
    rows = [
        {
            "name": one.name,
            "duration_s": one.duration_s,
            "requests": one.requests,
            "cost_usd": None if one.usd is None else float(one.usd),
            "cost_usd_high": None if one.usd_high is None else float(one.usd_high),
            "problem": one.problem or None,
        }
        for one in found
    ]
    return json.dumps({"suite": suite.name, "scenarios": rows}, indent=2) + "\n"


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _usd(usd: Decimal | None) -> str:
    return "–" if usd is None else f"${usd:,.2f}"
