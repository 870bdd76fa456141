"""The parts of a pattern that are worth telling apart."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Final

from loadtester.scenario import Load
from loadtester.schedule.patterns import BURSTS, SPIKE_FROM, SPIKE_TO

#: From and to, as parts of the run.
Spans = list[tuple[float, float]]

_FIFTHS: Final = 5


def phases(load: Load, duration_s: float) -> dict[str, Spans]:
    """By name the spans of time that belong together; they cover the run."""
    if load.pattern == "spike":
        spans = {"before": [(0.0, SPIKE_FROM)], "spike": [(SPIKE_FROM, SPIKE_TO)], "after": [(SPIKE_TO, 1.0)]}
    elif load.pattern == "burst":
        bursts = [((fifth + 0.4) / BURSTS, (fifth + 0.6) / BURSTS) for fifth in range(BURSTS)]
        quiet = [0.0, *(edge for burst in bursts for edge in burst), 1.0]
        spans = {"in bursts": bursts, "between": list(zip(quiet[::2], quiet[1::2], strict=True))}
    elif load.stages or load.user_stages:
        stages = load.stages or load.user_stages
        ends = list(accumulate((stage.duration_s for stage in stages), initial=0.0))
        spans = {
            f"stage {place}": [(begin / ends[-1], end / ends[-1])]
            for place, (begin, end) in enumerate(pairwise(ends), start=1)
        }
    else:
        spans = {f"fifth {part + 1}": [(part / _FIFTHS, (part + 1) / _FIFTHS)] for part in range(_FIFTHS)}
    return {name: [(begin * duration_s, end * duration_s) for begin, end in parts] for name, parts in spans.items()}
