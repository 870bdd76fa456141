"""Looks at a run's seconds as they come, and stops it where a threshold has failed or the target is over-saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from loadtester.analysis.thresholds.gauge import Gauge
from loadtester.analysis.thresholds.saturation import RULE, Rule, Saturation, Trend
from loadtester.errors import Exit
from loadtester.recorder import Interval
from loadtester.reporters.threshold_lines import shown
from loadtester.scenario import Judge
from loadtester.scenario.threshold import FLOWS, WHOLE, Threshold


class Runner(Protocol):
    """What sends the load."""

    is_stopped: bool
    elapsed_s: float

    def stop(self) -> None:
        """Send nothing more; what is in flight may finish."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run was stopped: the exit code that it means, the words, and the figures for the manifest."""

    code: Exit
    words: str
    evidence: Mapping[str, Any]


class Gate:
    """Takes a run's seconds in order; owns what it has counted of them.

    Counts and sums of money that have to reach a value are judged at the end, as they only grow with the run, and so is
    what is known only of a whole run. So are rates per second and the cost of a good answer without a window: either
    goes up and down, and an early value says nothing of the last. Nothing is judged in the last second or while a run
    drains: there is nothing left to stop.
    """

    def __init__(
        self,
        judge: Judge,
        duration_s: float,
        *,
        warm_s: float = 0.0,
        is_saturation_watched: bool = False,
        rule: Rule = RULE,
    ) -> None:
        self._watched = [
            (one, Gauge(one), judge.abort_delay_s if one.delay_s is None else one.delay_s)
            for one in judge.thresholds
            if (judge.is_aborting if one.is_aborting is None else one.is_aborting) and _is_live(one)
        ]
        self._duration_s, self._warm_s = duration_s, warm_s
        self._trend = Trend(duration_s, rule) if is_saturation_watched else None
        self._n_seconds = 0
        self.stopped: Stop | None = None

    def take(self, interval: Interval, runner: Runner) -> Stop | None:
        """Count one second, and stop the runner where that is due; then why, once."""
        if self.stopped is not None or not self._is_on(interval, runner):
            return None
        stop = self._look(interval)
        if stop is not None:
            self.stopped = stop
            runner.stop()
        return stop

    def _is_on(self, interval: Interval, runner: Runner) -> bool:
        """Whether there still is a load to stop; elapsed_s is set when it is over."""
        return not runner.is_stopped and not runner.elapsed_s and interval.second + 1 < self._duration_s

    def _look(self, interval: Interval) -> Stop | None:
        at_s = interval.second + 1.0
        # What comes before the first second that counts is a warm-up's; a delay goes on from there.
        if self._n_seconds or (interval.second >= self._warm_s and interval.is_measured):
            self._n_seconds += 1
            for threshold, gauge, delay_s in self._watched:
                gauge.add(interval)
                value = _failing(threshold, gauge) if self._n_seconds >= delay_s else None
                if value is not None:
                    return _failed(threshold, value, at_s)
        found = None if self._trend is None else self._trend.add(interval)
        return None if found is None else _saturated(found)


def _is_live(threshold: Threshold) -> bool:
    """Whether a run that goes on can already be told to fail the threshold."""
    if threshold.metric in WHOLE:
        return False
    if threshold.window_s is not None or threshold.unit in ("s", "share"):
        return True
    if threshold.metric in (*FLOWS, "cost.per_good_answer"):
        return False
    return threshold.is_upper or threshold.operator == "=="


def _failing(threshold: Threshold, gauge: Gauge) -> float | None:
    """The value that fails the threshold; None where it holds, or where too little has been seen."""
    value = gauge.value() if gauge.is_whole else None
    if value is None or threshold.holds(value):
        return None
    if threshold.window_s is not None:
        return value if gauge.has_enough() else None
    if threshold.unit not in ("s", "share"):
        return value if value > threshold.limit else None
    return value if gauge.is_beyond_chance() else None


def _failed(threshold: Threshold, value: float, at_s: float) -> Stop:
    seen = shown(value, threshold.unit)
    over = f"over {threshold.window_s} s" if threshold.window_s is not None else "so far"
    return Stop(
        Exit.THRESHOLD,
        f"stopped at {at_s:g} s: {threshold.expression} failed, with {seen} {over}",
        {"reason": "threshold", "threshold": threshold.expression, "value": value, "at_s": at_s},
    )


def _saturated(found: Saturation) -> Stop:
    return Stop(
        Exit.BUDGET,
        f"stopped at {found.seen_s:g} s: the target is over-saturated since {found.since_s:g} s, "
        f"at {found.offered_per_s:.3g} requests/s",
        {"reason": "saturated", "at_s": found.seen_s, **asdict(found)},
    )
