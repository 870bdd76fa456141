"""The shape of the traffic: which of pattern, stages and trace holds, and what follows for rate, length and number.

A fit is looked for in what was given, heaviest source first: what doesn't fit a weightier choice gives way without a
word (`-f spike.yaml --stage 1m:5/s` drops the file's rate), what doesn't fit an equal or lighter one is a fault.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from loadtester.scenario import stages
from loadtester.scenario.fields import MOST_REQUESTS
from loadtester.scenario.sources import DEFAULT, Given, Layer
from loadtester.scenario.units import duration_text, rate_text

#: Mean rate of each pattern over its rate: the area under its curve over rate x duration. A ramp climbs from 0 to its
#: rate; a spike has a fifth of its time at ten times its rate: 0.8 + 0.2 x 10.
MEAN: Final = {"sustained": 1.0, "ramp": 0.5, "burst": 1.0, "spike": 2.8, "production": 1.0}

_PATTERN, _STAGES, _TRACE = "load.pattern", "load.stages", "load.trace"
_RATE, _DURATION, _REQUESTS = "load.rate", "load.duration", "load.requests"
_SPEED, _ARRIVALS = "load.speed", "load.arrivals"

#: What each way to shape traffic leaves no room for, and why.
_UNFIT: Final = {
    "stages": {
        _RATE: "the stages say the rate",
        _DURATION: "the stages say how long",
        _REQUESTS: "the stages say how many",
        _TRACE: "the traffic has stages",
        _SPEED: "only a trace has a speed",
    },
    "trace": {
        _RATE: "the trace says the rate; load.speed makes it faster",
        _STAGES: "the traffic is a trace",
        _ARRIVALS: "the trace says when requests arrive",
    },
    "production": {
        _STAGES: "the traffic has a pattern",
        _TRACE: "the traffic has a pattern",
        _SPEED: "only a trace has a speed",
        _ARRIVALS: "production draws its own arrivals, a Poisson process",
    },
    "pattern": {
        _STAGES: "the traffic has a pattern",
        _TRACE: "the traffic has a pattern",
        _SPEED: "only a trace has a speed",
    },
}


def settle(given: Layer, usual: Layer) -> Layer:
    """The part of `given` that holds, with rate, duration and number of requests computed where they follow.

    What gives way falls back to the `usual` values. Every conflict is put on record; the result is then of no use.
    """
    chosen = _way(given)
    pattern = chosen.value
    if pattern is None:
        return given
    kept = _fitting(given, usual, chosen)
    kept[_PATTERN] = chosen
    if pattern == "stages":
        kept = _staged(kept)
    elif pattern == "trace":
        kept = _traced(kept)
    else:
        kept = _patterned(kept, pattern)
    _check_size(kept)
    return kept


def _check_size(settled: Layer) -> None:
    """Record a plan with no request or with too many."""
    pattern, duration, rate = settled[_PATTERN].value, settled[_DURATION], settled[_RATE]
    if duration.value is None or rate.value is None:
        return
    if pattern == "trace":
        return
    requests = settled.get(_REQUESTS)
    planned = rate.value * duration.value * MEAN.get(pattern, 1.0) if requests is None else requests.value
    if planned is None:
        return
    blamed = max((duration, rate), key=lambda one: one.rank)
    if planned > MOST_REQUESTS:
        blamed.fault(f"{planned:,.0f} requests are too many for one plan", f"plan at most {MOST_REQUESTS:,}")
    elif planned < 1 - 1e-9 and pattern != "stages":
        what = f"{rate_text(rate.value)} for {_length(duration.value)} makes no whole request"
        blamed.fault(what, "raise the rate or the duration")


def _way(given: Layer) -> Given:
    """What shapes the traffic, as a Given of the pattern; its value is None where that can't be told."""
    ways = [given[path] for path in (_PATTERN, _STAGES, _TRACE) if path in given]
    top = max(one.rank for one in ways)
    named = {path: given[path] for path in (_PATTERN, _STAGES, _TRACE) if path in given and given[path].rank == top}
    said = {path: one.value if path == _PATTERN else path.rpartition(".")[2] for path, one in named.items()}
    path, blamed = list(named.items())[-1]
    if len(set(said.values())) > 1:
        others = " and ".join(named[other].spot.name for other in said if other != path)
        if None not in said.values():
            blamed.fault(f"says the shape of the traffic, and so does {others}", "keep one of them")
        return replace(blamed, value=None)
    needed = {"stages": _STAGES, "trace": _TRACE}.get(said[path])
    if needed is not None and needed not in given:
        example = "2m:20/s" if needed == _STAGES else "trace.csv"
        blamed.fault(f"{said[path]!r} needs {needed}", f"give {needed}, such as {example}")
        return replace(blamed, value=None)
    return replace(blamed, value=said[path])


def _fitting(given: Layer, usual: Layer, chosen: Given) -> Layer:
    kept = dict(given)
    for path, why in _UNFIT.get(chosen.value, _UNFIT["pattern"]).items():
        one = kept.get(path)
        if one is None or one.rank == DEFAULT or (chosen.value == "production" and one.value == "poisson"):
            continue
        if one.rank >= chosen.rank:
            one.fault(f"has no place here: {why}", f"leave it out, or choose another pattern than {chosen.value}")
        del kept[path]
        if path in usual:
            kept[path] = usual[path]
    return kept


def _staged(kept: Layer) -> Layer:
    legs = kept[_STAGES]
    if legs.value is not None:
        peak = stages.peak_per_s(legs.value)
        if peak <= 0:
            legs.fault("no stage has a rate above 0", "give one a rate, such as 2m:20/s")
        kept[_RATE] = replace(legs, value=peak, origin=f"the highest of the stages ({legs.origin})")
        kept[_DURATION] = replace(legs, value=stages.seconds(legs.value), origin=f"all stages ({legs.origin})")
    return kept


def _traced(kept: Layer) -> Layer:
    trace = kept[_TRACE]
    kept[_RATE] = replace(trace, value=0.0, origin=f"the trace says when ({trace.origin})")
    if kept[_DURATION].rank == DEFAULT:
        kept[_DURATION] = replace(trace, value=math.inf, origin=f"all of the trace ({trace.origin})")
    return kept


def _patterned(kept: Layer, pattern: str) -> Layer:
    if pattern == "production" and kept[_ARRIVALS].rank == DEFAULT:
        kept[_ARRIVALS] = replace(kept[_ARRIVALS], value="poisson", origin="production's own")
    if _REQUESTS not in kept:
        return kept
    requests, rate, duration = _two_of_three(kept)
    if requests is None:
        del kept[_REQUESTS]
    elif duration is not None and requests.value and duration.value:
        per_s = requests.value / (duration.value * MEAN[pattern])
        origin = f"so that {requests.value:,} requests take {_length(duration.value)}"
        kept[_RATE] = replace(duration, value=per_s, origin=origin)
    elif rate is not None and requests.value and rate.value:
        seconds = requests.value / (rate.value * MEAN[pattern])
        origin = f"as long as {requests.value:,} requests take at {rate_text(rate.value)}"
        kept[_DURATION] = replace(rate, value=seconds, origin=origin)
    return kept


def _two_of_three(kept: Layer) -> tuple[Given | None, Given | None, Given | None]:
    """Requests, rate and duration without the one that follows from the others.

    Of three that were given the lightest gives way; of several equally light ones the duration does, else the requests.
    Without a given duration the rate stands, be it the default: a number of requests alone never makes traffic denser.
    """
    requests, rate, duration = kept[_REQUESTS], kept[_RATE], kept[_DURATION]
    if duration.rank == DEFAULT:
        return requests, rate, None
    if rate.rank == DEFAULT:
        return requests, None, duration
    ranks = {requests.rank, rate.rank, duration.rank}
    if len(ranks) == 1:
        requests.fault(
            f"with {rate.spot.name} and {duration.spot.name} there is one too many: any two make the third",
            "leave one of the three out",
        )
    lightest = min(ranks)
    if duration.rank == lightest:
        return requests, rate, None
    if requests.rank == lightest:
        return None, rate, duration
    return requests, None, duration


def _length(seconds: float) -> str:
    return "all of the trace" if math.isinf(seconds) else duration_text(seconds)
