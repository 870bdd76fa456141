"""Over-saturation: requests in flight, and the time to their first token, that grow without end.

A target that gets more than it can take builds a queue: at any steady rate above its capacity both grow in a line. One
that keeps up has both in balance, or, where the rate itself climbs, more in flight but no longer waits. So growth is
looked for in both, by Mann and Kendall's test for a trend (Mann, Econometrica 13, 1945; Kendall, Rank Correlation
Methods, 1948) on the means of a trailing window's twelfths. Means of stretches lean less on their neighbours than
seconds do, as batch means do in the analysis of simulations (Law & Kelton, Simulation Modeling and Analysis). Busy
queues still wander for longer than a window: a trend has to last for another one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtester.analysis.report import Reason
from loadtester.model import Series
from loadtester.recorder import Interval, buckets

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as growth without end; docs/cli.md has its errors, which `tests/bench saturation` measures.

    A window is cut into `batches` whose means are compared; a trend in them is one from `significant` on, in standard
    normal units. At 95 % queues that only wander would stop one run in ten, so it is 99.7 %. The window is the
    `windows`th part of the run, so that a short one has time to be stopped, from `shortest_s` to `longest_s`. `growth`
    is how many times as much at a window's end as at its start matters: less is no harm to stop a run for. A trend
    has to last for `lasting` windows more.
    """

    batches: int = 12
    shortest_s: int = 12
    longest_s: int = 60
    windows: int = 5
    significant: float = 2.7477813854449926
    growth: float = 1.5
    lasting: float = 1.0


RULE: Final = Rule()


@dataclass(frozen=True, slots=True)
class Growth:
    """A line through a window: its values at the start and the end, and what it grows in a second."""

    start: float
    end: float
    slope_per_s: float


@dataclass(frozen=True, slots=True)
class Saturation:
    """Since `since_s` more was asked than the target could take, `offered_per_s`; found out at `seen_s`.

    `wait` is "ttft" or "latency", whichever of the two there is, in seconds; the lines are those of the last window.
    """

    since_s: float
    seen_s: float
    offered_per_s: float
    wait: str
    in_flight: Growth
    wait_s: Growth


@dataclass(frozen=True, slots=True)
class _Second:
    """What is kept of a second: sums and counts of ttft and latency in seconds, of ok answers."""

    planned: int
    in_flight: int
    ttft: tuple[float, int]
    latency: tuple[float, int]


class Trend:
    """Looks at each second of an open-loop run as it comes; owns the last window's.

    A trend has to be there at every second for as long as a window is.
    """

    def __init__(self, duration_s: float, rule: Rule = RULE) -> None:
        self._rule = rule
        self.window_s = window_s(duration_s, rule)
        self._seconds: deque[_Second] = deque(maxlen=self.window_s)
        self._lasted_s = 0

    def add(self, interval: Interval) -> Saturation | None:
        """Look at one second more; what was found once the trend has lasted."""
        self._seconds.append(
            _Second(interval.planned, interval.in_flight, _sum_s(interval, "ttft"), _sum_s(interval, "latency"))
        )
        found = self._growing(interval.second + 1.0) if len(self._seconds) == self.window_s else None
        self._lasted_s = self._lasted_s + 1 if found is not None else 0
        return found if self._lasted_s >= self._rule.lasting * self.window_s else None

    def _growing(self, now_s: float) -> Saturation | None:
        in_flight = self._batches([float(one.in_flight) for one in self._seconds]) / (
            self.window_s / self._rule.batches
        )
        flying = growth(in_flight, self.window_s, self._rule)
        if flying is None:
            return None
        name, waits = "ttft", self._waits([one.ttft for one in self._seconds])
        if waits is None:
            name, waits = "latency", self._waits([one.latency for one in self._seconds])
        waiting = None if waits is None else growth(waits, self.window_s, self._rule)
        if waiting is None:
            return None
        offered = sum(one.planned for one in self._seconds) / self.window_s
        since_s = max(0.0, now_s - self.window_s - self._lasted_s)
        return Saturation(since_s, now_s, offered, name, flying, waiting)

    def _waits(self, parts: list[tuple[float, int]]) -> Floats | None:
        """The mean of each stretch; None where one has no answer."""
        counts = self._batches([float(count) for _, count in parts])
        return None if not counts.all() else self._batches([total for total, _ in parts]) / counts

    def _batches(self, values: list[float]) -> Floats:
        """Sums over the window's stretches, shape (batches,)."""
        sums: Floats = np.array(values).reshape(self._rule.batches, -1).sum(axis=1)
        return sums


def saturation_reasons(manifest: Mapping[str, Any]) -> Iterator[Reason]:
    """What is to be said of the figures of a run that was stopped because its target was over-saturated."""
    stop = manifest.get("stop") or {}
    if stop.get("reason") != "saturated":
        return
    words = "time to first token" if stop["wait"] == "ttft" else "latency"
    flying, waiting = stop["in_flight"]["slope_per_s"], stop["wait_s"]["slope_per_s"]
    yield Reason(
        "saturated",
        f"the target was over-saturated from {stop['since_s']:g} s on, at {stop['offered_per_s']:.3g} requests/s: each "
        f"second {flying:.3g} more were in flight and {words} grew by {waiting * 1e3:.3g} ms; the longer such a run "
        "goes on, the longer its latencies",
        {
            "since_s": stop["since_s"],
            "seen_s": stop["seen_s"],
            "offered_per_s": stop["offered_per_s"],
            "in_flight_slope_per_s": flying,
            f"{stop['wait']}_slope": waiting,
        },
        "suspect",
    )


def window_s(duration_s: float, rule: Rule = RULE) -> int:
    """How long a window is in a run of so many seconds, in whole stretches."""
    wanted = min(max(duration_s / rule.windows, rule.shortest_s), rule.longest_s)
    return int(wanted // rule.batches) * rule.batches


@cache
def _pairs(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of n points all pairs, the earlier and the later of each."""
    return np.triu_indices(n, 1)


def growth(values: Floats, span_s: float, rule: Rule = RULE) -> Growth | None:
    """The line through values that lie evenly in `span_s`, where they grow: significantly, and by enough to matter.

    The line is that of Theil and Sen: the median of all slopes between two points (Sen, JASA 63, 1968).
    """
    n = len(values)
    early, late = _pairs(n)
    rise = values[late] - values[early]
    score = float(np.sign(rise).sum())
    if (score - 1.0) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18.0) <= rule.significant:
        return None
    slope = float(np.median(rise / (late - early)))
    start = float(np.median(values - slope * np.arange(n)))
    end = start + slope * (n - 1)
    if end < rule.growth * start:
        return None
    return Growth(max(start, 0.0), end, slope * n / span_s)


def _sum_s(interval: Interval, metric: str) -> tuple[float, int]:
    """Sum, in seconds, and number of a metric's values of ok answers."""
    total, count = 0.0, 0
    for series, counts in (interval.counts or {}).items():
        if _is_measured(series, metric):
            total += float(np.dot(buckets.middle_us(counts.indices), counts.counts)) / 1e6
            count += counts.total
    return total, count


def _is_measured(series: Series, metric: str) -> bool:
    return series.metric == metric and series.is_ok
