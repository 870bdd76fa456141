"""The summary's lines on quotas and on what was predicted, for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from loadtester.analysis import Report
from loadtester.analysis.quotas.quota import ModelQuota
from loadtester.reporters.predicted import predicted

_NOISE = re.compile(r"(-20\d{6})?(-v\d+(:\d+)?)?$")
_INDENT = " " * 11


def quota_lines(report: Report) -> Iterator[Text]:
    """The verdict, a line or two for each model that was throttled, and the prediction held against the run."""
    lines = []
    quota = report.quota
    if quota is not None and quota.knees.met != "neither":
        lines.append(f"quota      {quota.knees.words}")
        for model, one in quota.by_model.items():
            lines += [_INDENT + line for line in _model(_NOISE.sub("", model.rsplit("anthropic.", 1)[-1]), one)]
    forecast = predicted(report)
    if forecast is not None:
        lines.append("predicted  " + ", ".join(_forecast(forecast)))
    if lines:
        yield Text("\n".join(lines))


def _model(name: str, one: ModelQuota) -> Iterator[str]:
    if one.began is None:
        return
    yield (
        f"{name}: {one.admitted:,} of {one.offered:,} calls admitted; first refused at {one.began.at_s:.1f} s, when a "
        f"minute's calls had reserved {one.began.reserved_tokens:,.0f} tokens and used {one.began.used_tokens:,.0f}"
    )
    if one.retried:
        yield f"  {one.retried:,} calls got in on a later attempt, at times unknown: no limit is inferred"
    found = one.inferred
    if found is not None:
        window = {"bucket": "a bucket", "minute": "a fixed minute", None: "bucket or fixed minute"}[found.window]
        stated = one.stated_tokens_per_minute if found.unit == "tokens" else one.stated_requests_per_minute
        yield (
            f"  inferred limit {found.per_minute:,.0f} {found.unit} a minute ({found.low:,.0f} to {found.high:,.0f}), "
            f"{window}" + (f"; stated {stated:,}" if stated else "")
        )


def _forecast(figures: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Each figure as it was predicted, and in brackets as it was measured."""
    for name, label, form in (
        ("throttle_rate", "throttled", ".1%"),
        ("cost_usd", "cost $", ",.4f"),
        ("sla", "SLA", ".1%"),
    ):
        mean, measured = figures[name]["mean"], figures[name]["measured"]
        known = [f"{float(value):{form}}" if value is not None else "unknown" for value in (mean, measured)]
        yield f"{label}{'' if label.endswith('$') else ' '}{known[0]} ({known[1]})"
