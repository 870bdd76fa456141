"""What a threshold looks at, second by second: of the whole run so far, or of its last so many seconds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from loadtester.analysis.figures import Part
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Counts, Histogram, Interval
from loadtester.scenario.threshold import DEPARTURES, FLOWS, SPREADS, Threshold

#: How rarely chance alone may do what is taken for more than chance.
_NO_CHANCE: Final = 0.05

Weight = Callable[[CellKey, Cell], float]


def _count(_key: CellKey, cell: Cell) -> float:
    return cell.count


def _sent(_key: CellKey, cell: Cell) -> float:
    return cell.sent


def _finished(key: CellKey, cell: Cell) -> float:
    return 0 if key.outcome is Outcome.CANCELLED else cell.sent


def _good(key: CellKey, cell: Cell) -> float:
    return cell.in_slo if key.outcome is Outcome.OK else 0


def _failed(key: CellKey, cell: Cell) -> float:
    return 0 if key.outcome in (Outcome.OK, Outcome.THROTTLED, Outcome.CANCELLED) else cell.sent


def _offered(key: CellKey, cell: Cell) -> float:
    return cell.sent if key.outcome is Outcome.CANCELLED else cell.count


def _usd(_key: CellKey, cell: Cell) -> float:
    return float(cell.usd)


def _wasted(key: CellKey, cell: Cell) -> float:
    return 0.0 if key.outcome is Outcome.OK else float(cell.usd)


def _input(_key: CellKey, cell: Cell) -> float:
    return cell.input


def _output(_key: CellKey, cell: Cell) -> float:
    return cell.output


def _ended_as(outcome: Outcome) -> Weight:
    return lambda key, cell: cell.count if key.outcome is outcome else 0


#: Sums over cells: of a count, a sum or a rate per second what is counted, of a share its part and its whole.
_NUMERATORS: Final[Mapping[str, Weight]] = {
    **{outcome.value: _ended_as(outcome) for outcome in Outcome},
    **{f"{outcome.value}_rate": _ended_as(outcome) for outcome in Outcome},
    "planned": _count,
    "sent": _sent,
    "requests": _sent,
    "offered": _offered,
    "delivered": _sent,
    "throughput": _finished,
    "goodput": _good,
    "throttle_rate": _ended_as(Outcome.THROTTLED),
    "error_rate": _failed,
    "sla": _good,
    "cost.run": _usd,
    "cost.wasted": _wasted,
    "cost.per_good_answer": _usd,
    "tokens.input": _input,
    "tokens.output": _output,
}
_DENOMINATORS: Final[Mapping[str, Weight]] = {
    **{f"{outcome.value}_rate": _finished for outcome in Outcome},
    "dropped_rate": _count,
    "cancelled_rate": _count,
    "throttle_rate": _finished,
    "error_rate": _finished,
    "sla": _finished,
    "cost.per_good_answer": _good,
}


class Gauge:
    """Adds up what one threshold is about, of a run's seconds in order; owns its sums.

    With a window only its last seconds count, and only once there are as many. The threshold is none of the whole run's
    (`threshold.WHOLE`).
    """

    def __init__(self, threshold: Threshold) -> None:
        self._threshold = threshold
        self._keeps = part_of(threshold)
        self._window_s = threshold.window_s
        self._seconds: deque[Interval] = deque()
        self._n_seconds = 0
        self._histogram = Histogram()
        self._part = self._whole = 0.0

    def add(self, interval: Interval) -> None:
        """Count one second more; a window lets go of its first."""
        self._n_seconds += 1
        self._count(interval, 1)
        if self._window_s is not None:
            self._seconds.append(interval)
            if len(self._seconds) > self._window_s:
                self._n_seconds -= 1
                self._count(self._seconds.popleft(), -1)

    @property
    def is_whole(self) -> bool:
        """Whether a window has all its seconds; without one, always."""
        return self._window_s is None or self._n_seconds == self._window_s

    @property
    def samples(self) -> int:
        """How many values, or how large a whole, the value rests on."""
        if self._threshold.metric in SPREADS:
            return self._histogram.total
        return round(self._whole if self._threshold.metric in _DENOMINATORS else self._part)

    def value(self) -> float | None:
        """The value; None where there are too few samples for one."""
        threshold = self._threshold
        if threshold.metric in SPREADS:
            return aggregate(self._histogram, threshold)
        if threshold.metric in FLOWS:
            return self._part / self._n_seconds if self._n_seconds else None
        if threshold.metric not in _DENOMINATORS:
            return self._part
        return self._part / self._whole if self._whole else None

    def has_enough(self) -> bool:
        """Whether one sample alone can't take the value of a share across its limit; True of all other metrics."""
        threshold = self._threshold
        if threshold.unit != "share":
            return True
        return self.samples >= share_samples(threshold.limit)

    def is_beyond_chance(self) -> bool:
        """Whether a share is so far off its limit that fewer than one target in twenty at the limit would be seen so.

        By Hoeffding's bound on a binomial tail, exp(-n·KL(share, limit)): Hoeffding, "Probability inequalities for sums
        of bounded random variables", JASA 58, 1963. True of all other metrics.
        """
        share = self.value()
        if self._threshold.unit != "share" or share is None:
            return share is not None
        return math.exp(-self.samples * _divergence(share, self._threshold.limit)) < _NO_CHANCE

    def _count(self, interval: Interval, sign: int) -> None:
        metric = self._threshold.metric
        if metric in SPREADS:
            for series, counts in (interval.counts or {}).items():
                if series.metric == metric and self._keeps(series):
                    self._histogram.add(counts if sign > 0 else Counts(counts.indices, -counts.counts, -counts.clipped))
            return
        if metric in DEPARTURES and not self._threshold.tags:
            self._part += sign * _departed(interval, metric)
            return
        part, whole = _NUMERATORS[metric], _DENOMINATORS.get(metric)
        for key, cell in (interval.cells or {}).items():
            if self._keeps(key):
                self._part += sign * part(key, cell)
                self._whole += sign * whole(key, cell) if whole is not None else 0.0


def sums(threshold: Threshold, cells: Mapping[CellKey, Cell]) -> tuple[float, float | None]:
    """What a threshold counts in the cells, and of a ratio the whole that it is a part of."""
    part, whole = weights(threshold)
    keeps = part_of(threshold)
    kept = [(key, cell) for key, cell in cells.items() if keeps(key)]
    return sum(part(key, cell) for key, cell in kept), None if whole is None else sum(whole(*one) for one in kept)


def weights(threshold: Threshold) -> tuple[Weight, Weight | None]:
    """What of a cell a threshold that is about no distribution adds up, and of a ratio its whole."""
    return _NUMERATORS[threshold.metric], _DENOMINATORS.get(threshold.metric)


def part_of(threshold: Threshold) -> Part:
    """The part of the traffic that a threshold's tags name; of a distribution the ok answers unless they say so."""
    tags = dict(threshold.tags)
    outcome = tags.pop("outcome", None)
    # How late the generator was, and how long a connection took to open, is told of all requests.
    is_ok = outcome == "ok" if outcome else None if threshold.metric in ("lag", "connect") else True

    def keeps(key: CellKey | Series) -> bool:
        if any(getattr(key, name) != value for name, value in tags.items()):
            return False
        if isinstance(key, Series):
            return is_ok is None or key.is_ok == is_ok
        return outcome is None or key.outcome == outcome

    return keeps


def aggregate(histogram: Histogram, threshold: Threshold) -> float | None:
    """The aggregate of the threshold; None where there are too few samples for it."""
    count = histogram.total
    name, percent = threshold.aggregate, 50.0 if threshold.aggregate == "med" else threshold.percent
    if name == "count":
        return float(count)
    if not count or (name == "p" and percent is not None and count < percentile_samples(percent)):
        return None
    if name in ("p", "med") and percent is not None:
        return histogram.percentile_s(percent)
    return {"avg": histogram.mean_s, "min": histogram.min_s, "max": histogram.max_s}[str(name)]()


def percentile_samples(percent: float) -> int:
    """Samples below which the one-sided 95 % bound of a percentile does not exist: ln(0.05) / ln(p)."""
    share = max(percent, 100.0 - percent) / 100.0
    return math.ceil(math.log(_NO_CHANCE) / math.log(share) - 1e-9)


def share_samples(limit: float) -> int:
    """Requests of which one alone is no more than the limit of a share, or what the limit leaves."""
    least = min(limit, 1.0 - limit)
    return math.ceil(1.0 / least - 1e-9) if least > 0 else 1


def _departed(interval: Interval, metric: str) -> float:
    planned = interval.planned - interval.warm_planned
    if metric == "offered":
        cancelled = sum(
            cell.count - cell.sent for key, cell in (interval.cells or {}).items() if key.outcome is Outcome.CANCELLED
        )
        return planned - cancelled
    return planned if metric == "planned" else interval.sent - interval.warm_sent


def _divergence(share: float, limit: float) -> float:
    """Kullback and Leibler's divergence of two coins, in nats; infinite where the limit rules the share out."""
    total = 0.0
    for seen, expected in ((share, limit), (1.0 - share, 1.0 - limit)):
        if seen > 0.0:
            total += seen * math.log(seen / expected) if expected > 0.0 else math.inf
    return total
