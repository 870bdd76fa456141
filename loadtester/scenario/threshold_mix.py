"""Thresholds held against the mix, of a scenario or of a run: a tag must name something that is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.redact import quoted
from loadtester.scenario.scenario import QueryType
from loadtester.scenario.sources import Layer
from loadtester.scenario.suggestion import one_of
from loadtester.scenario.threshold import Threshold


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


def require_in_mix(
    thresholds: Sequence[Threshold], mix: Sequence[Mapping[str, Any]], label: str = "--threshold"
) -> None:
    """Hold tags against the mix of a run's manifest. Raises FmloadError, code 2, with all that it has none of."""
    faults = Faults()
    spot = Spot(faults, label)
    for threshold in thresholds:
        for name, value in threshold.tags:
            if name == "outcome":
                continue
            wrong = _absent(name, value, {str(query.get("name" if name == "query" else name) or "") for query in mix})
            if wrong is not None:
                spot.fault(0, f"{quoted(threshold.expression)}: {wrong[0]}", wrong[1])
    faults.raise_if_any()


def _unfit(name: str, value: str, mix: Sequence[QueryType]) -> tuple[str, str] | None:
    """What is wrong with a tag's value and the fix; None where the mix has it."""
    if name == "outcome":
        return None
    return _absent(
        name,
        value,
        {query.name if name == "query" else query.kind if name == "kind" else query.model for query in mix},
    )


def _absent(name: str, value: str, values: Iterable[str]) -> tuple[str, str] | None:
    known = sorted(one for one in values if one)
    return None if value in known else (f"the mix has no {name} {quoted(value)}", one_of(value, known))
