"""Thresholds held against the mix: a tag must name something that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import QueryType
from loadtester.scenario.sources import Layer
from loadtester.scenario.suggestion import one_of


def settle_thresholds(settled: Layer) -> None:
    """Hold the tags against the mix: what a weightier mix has none of gives way, otherwise it is a fault."""
    given, mix = settled.get("thresholds"), settled["mix"]
    if given is None or not given.value or mix.value is None:
        return
    rank = max(mix.rank, settled["model"].rank if "model" in settled else mix.rank)
    kept = []
    for threshold in given.value:
        wrong = [_unfit(name, value, mix.value) for name, value in threshold.tags]
        if not any(wrong):
            kept.append(threshold)
        elif rank <= given.rank:
            for what, fix in filter(None, wrong):
                given.fault(f"{quoted(threshold.expression)}: {what}", fix)
    settled["thresholds"] = replace(given, value=tuple(kept))


def _unfit(name: str, value: str, mix: Sequence[QueryType]) -> tuple[str, str] | None:
    """What is wrong with a tag's value and the fix; None where the mix has it."""
    if name == "outcome":
        return None
    known = sorted({query.name if name == "query" else query.kind if name == "kind" else query.model for query in mix})
    known = [one for one in known if one]
    return None if value in known else (f"the mix has no {name} {quoted(value)}", one_of(value, known))
