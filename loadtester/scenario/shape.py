"""The shape of the traffic: pattern, stages, users or trace, and what follows for rate, length and number.

A fit is looked for in what was given, heaviest source first: what doesn't fit a weightier choice gives way without a
word (`-f spike.yaml --stage 1m:5/s` drops the file's rate), what doesn't fit an equal or lighter one is a fault.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from loadtester.scenario import stages
from loadtester.scenario.load_fields import MOST_REQUESTS
from loadtester.scenario.sources import DEFAULT, Given, Layer
from loadtester.scenario.units import duration_text, rate_text

#: Mean rate of each pattern over its rate: the area under its curve over rate x duration. A ramp climbs from 0 to its
#: rate; a spike has a fifth of its time at ten times its rate: 0.8 + 0.2 x 10.
MEAN: Final = {"sustained": 1.0, "ramp": 0.5, "burst": 1.0, "spike": 2.8, "production": 1.0}

_PATTERN, _STAGES, _TRACE = "load.pattern", "load.stages", "load.trace"
_RATE, _DURATION, _REQUESTS = "load.rate", "load.duration", "load.requests"
_SPEED, _ARRIVALS = "load.speed", "load.arrivals"
_USERS, _USER_STAGES, _THINK_TIME = "load.users", "load.user_stages", "load.think_time"
_MAX_IN_FLIGHT = "load.max_in_flight"
_WARMUP = "load.warmup"

#: The fields that choose a way to shape traffic by being there, and the way.
_CHOOSING: Final = {_STAGES: "stages", _USERS: "users", _USER_STAGES: "users", _TRACE: "trace"}
#: What each of those ways needs one of, with an example.
_NEEDED: Final = {
    "stages": ((_STAGES,), "2m:20/s"),
    "users": ((_USERS, _USER_STAGES), "5"),
    "trace": ((_TRACE,), "trace.csv"),
}

_NO_USERS: Final = {
    _USERS: "the traffic has another shape",
    _USER_STAGES: "the traffic has another shape",
    _THINK_TIME: "only users (load.users) think",
}

#: What each way to shape traffic leaves no room for, and why.
_UNFIT: Final = {
    "stages": {
        _RATE: "the stages say the rate",
        _DURATION: "the stages say how long",
        _REQUESTS: "the stages say how many",
        _TRACE: "the traffic has stages",
        _SPEED: "only a trace has a speed",
        **_NO_USERS,
    },
    "users": {
        _RATE: "users ask again when they have thought",
        _REQUESTS: "users ask as often as they come to it",
        _ARRIVALS: "users ask when they have thought",
        _STAGES: "the traffic comes from users; load.user_stages says how many",
        _TRACE: "the traffic comes from users",
        _SPEED: "only a trace has a speed",
    },
    "trace": {
        _RATE: "the trace says the rate; load.speed makes it faster",
        _STAGES: "the traffic is a trace",
        _ARRIVALS: "the trace says when requests arrive",
        **_NO_USERS,
    },
    "production": {
        _STAGES: "the traffic has a pattern",
        _TRACE: "the traffic has a pattern",
        _SPEED: "only a trace has a speed",
        _ARRIVALS: "production draws its own arrivals, a Poisson process",
        **_NO_USERS,
    },
    "pattern": {
        _STAGES: "the traffic has a pattern",
        _TRACE: "the traffic has a pattern",
        _SPEED: "only a trace has a speed",
        **_NO_USERS,
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
    elif pattern == "users":
        kept = _peopled(kept)
    elif pattern == "trace":
        kept = _traced(kept)
    else:
        kept = _patterned(kept, pattern)
    _check_size(kept)
    _check_warmup(kept)
    return kept


def _check_warmup(settled: Layer) -> None:
    """Record a warm-up that leaves nothing to measure."""
    warmup, duration = settled.get(_WARMUP), settled[_DURATION]
    if warmup is None or not warmup.value or duration.value is None or warmup.value < duration.value:
        return
    what = f"a warm-up of {_length(warmup.value)} leaves nothing of a run of {_length(duration.value)}"
    max((warmup, duration), key=lambda one: one.rank).fault(what, "make the run longer, or the warm-up shorter")


def _check_size(settled: Layer) -> None:
    """Record a plan with no request or with too many."""
    pattern, duration, rate = settled[_PATTERN].value, settled[_DURATION], settled[_RATE]
    if duration.value is None or rate.value is None:
        return
    if pattern in ("trace", "users"):
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
    ways = {path: given[path] for path in (_PATTERN, *_CHOOSING) if path in given}
    top = max(one.rank for one in ways.values())
    named = {path: one for path, one in ways.items() if one.rank == top}
    said = {path: _CHOOSING.get(path, one.value) for path, one in named.items()}
    path, blamed = list(named.items())[-1]
    if len(set(said.values())) > 1:
        others = " and ".join(named[other].spot.name for other in said if said[other] != said[path])
        if None not in said.values():
            blamed.fault(f"says the shape of the traffic, and so does {others}", "keep one of them")
        return replace(blamed, value=None)
    needed, example = _NEEDED.get(said[path], ((), ""))
    if needed and not any(path in given for path in needed):
        blamed.fault(f"{said[path]!r} needs {needed[0]}", f"give {needed[0]}, such as {example}")
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


def _peopled(kept: Layer) -> Layer:
    """Users from the start and their stages as one source gave them; what a lighter one said of either gives way."""
    top = max(kept[path].rank for path in (_USERS, _USER_STAGES) if path in kept)
    for path in (_USERS, _USER_STAGES):
        if path in kept and kept[path].rank < top:
            del kept[path]
    start, legs = kept.get(_USERS), kept.get(_USER_STAGES)
    blamed = legs or start
    if blamed is None or any(one is not None and one.value is None for one in (start, legs)):
        return kept
    kept[_RATE] = replace(blamed, value=0.0, origin=f"users ask when they have thought ({blamed.origin})")
    if legs is not None:
        kept = _stretched(kept, legs)
    _check_peak(kept, blamed)
    return kept


def _stretched(kept: Layer, legs: Given) -> Layer:
    """The stages of users at the length that the duration says, or the duration that they say."""
    duration = kept[_DURATION]
    if duration.rank == DEFAULT:
        kept[_DURATION] = replace(legs, value=stages.seconds(legs.value), origin=f"all stages ({legs.origin})")
    elif duration.value is not None:
        origin = f"{legs.origin}, stretched to {_length(duration.value)} ({duration.origin})"
        kept[_USER_STAGES] = replace(legs, value=stages.stretched(legs.value, duration.value), origin=origin)
    return kept


def _check_peak(kept: Layer, blamed: Given) -> None:
    """Record a run that nobody comes to, or one of more users than requests may be in flight."""
    start, legs, cap = kept.get(_USERS), kept.get(_USER_STAGES), kept[_MAX_IN_FLIGHT]
    peak = max([start.value if start else 0, *(leg.users for leg in (legs.value if legs else ()))])
    if not peak:
        blamed.fault("no stage has a user", "give one a number of users, such as 2m:20")
    elif cap.value is not None and peak > cap.value:
        what = f"{peak:,} users can have as many requests in flight, and {cap.value:,} are allowed"
        max((blamed, cap), key=lambda one: one.rank).fault(what, "raise load.max_in_flight, or have fewer users")


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
