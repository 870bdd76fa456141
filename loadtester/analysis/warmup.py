"""Was the warm-up of a run long enough, and not too long?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from loadtester.analysis.mser import transient_s
from loadtester.analysis.report import Figures, Reason
from loadtester.analysis.resample import Floats
from loadtester.model import Outcome
from loadtester.recorder import Recording

_LONGEST_SHARE: Final = 0.5
#: Where the throttled part of the requests changed by more, the target had another load, and so another latency.
_OTHER_LOAD: Final = 0.01


def warm_s(manifest: Mapping[str, Any]) -> float:
    """How long the run's warm-up was to be, in seconds; 0 where there was none."""
    return float(manifest.get("scenario", {}).get("load", {}).get("warmup_s") or 0.0)


def warmup_reasons(manifest: Mapping[str, Any], run: Recording, total: Figures) -> Iterator[Reason]:
    """A warm-up that took most of the run, or one after which the target was still not what it was later on."""
    own_s, duration_s = warm_s(manifest), float(manifest["plan"]["duration_s"])
    if own_s > _LONGEST_SHARE * duration_s:
        yield Reason(
            "warmup_long",
            f"the warm-up ({own_s:g} s) is more than half of the run ({duration_s:g} s): what was measured is the "
            "smaller part of it; run longer",
            {"warmup_s": own_s, "duration_s": duration_s},
            "suspect",
        )
    if _is_steady(manifest):
        yield from _short(manifest, run, total, own_s)


def _short(manifest: Mapping[str, Any], run: Recording, total: Figures, own_s: float) -> Iterator[Reason]:
    """The first of latency and TTFT whose start is unlike the rest, where quotas don't account for it."""
    end = int(min(_planned_s(manifest), float(run.intervals[-1].second))) if run.intervals else 0
    for metric, spread in (("latency", total.latency), ("ttft", total.ttft)):
        # Early on only the quick answers are back, and at the end only the slow ones are to come.
        first = math.ceil(own_s + (spread.p99 or spread.max or 0.0))
        found = transient_s(*_by_second(run, metric, first, end))
        if found and not _is_of_quota(run, first, first + found, end):
            wanted_s = first + found
            yield Reason(
                "warmup_short",
                f"the first {wanted_s - own_s:g} s that were measured are unlike the rest ({metric}, MSER-5): is the "
                f"target still warming up? --warmup {wanted_s}s leaves them out",
                {"metric": metric, "warmup_s": own_s, "transient_s": wanted_s - own_s, "needed_s": wanted_s},
                "suspect",
            )
            return


def _planned_s(manifest: Mapping[str, Any]) -> float:
    """How long requests were sent: as planned, or until the run was stopped."""
    duration_s, stopped_s = float(manifest["plan"]["duration_s"]), manifest.get("stopped_s")
    return duration_s if stopped_s is None else min(duration_s, float(stopped_s))


def _is_of_quota(run: Recording, first: int, cut: int, end: int) -> bool:
    """Whether more, or fewer, were throttled up to second `cut` than from it on: then the target had another load."""
    shares = []
    for start, stop in ((first, cut), (cut, end)):
        cells = [
            (key, cell)
            for interval in run.intervals
            if start <= interval.second < stop
            for key, cell in (interval.cells or {}).items()
        ]
        throttled = sum(cell.count if key.outcome is Outcome.THROTTLED else cell.retried for key, cell in cells)
        shares.append(throttled / max(1, sum(cell.sent for _, cell in cells)))
    return abs(shares[0] - shares[1]) > _OTHER_LOAD


def _is_steady(manifest: Mapping[str, Any]) -> bool:
    """Whether the plan asks the same of the target from beginning to end."""
    if manifest.get("pattern") == "users":
        return not manifest.get("scenario", {}).get("load", {}).get("user_stages")
    return manifest.get("pattern") == "sustained"


def _by_second(run: Recording, metric: str, first: int, end: int) -> tuple[Floats, Floats]:
    """Sum in seconds and number of each second's ok values, from second `first` up to `end`."""
    sums, sizes = np.zeros(max(0, end - first)), np.zeros(max(0, end - first))
    for series, column in run.columns().items() if len(sums) else ():
        if series.metric == metric and series.is_ok:
            part = column.part(first, end)
            sums += part.sums_s()
            sizes += part.totals()
    return sums, sizes
