"""A run's own calls and tokens beside what CloudWatch counted in its window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from loadtester.cost.basis import CANNED, asked
from loadtester.errors import FmloadError
from loadtester.model import Outcome
from loadtester.recorder import Recording

METRICS: Final = ("Invocations", "InvocationThrottles", "InputTokenCount", "OutputTokenCount")
#: Outcomes of answers that the model gave to their end.
_ANSWERED: Final = (Outcome.OK, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.INVALID)
_TOLERANCE: Final = 0.01
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of a model: the run's, and CloudWatch's (None: it has no data)."""

    model: str
    metric: str
    run: int
    cloudwatch: int | None

    @property
    def finding(self) -> str | None:
        """What differs by more than 1 %, in words; None where nothing does."""
        if self.cloudwatch is None:
            return f"{self.model}: CloudWatch has no {self.metric} for the window" if self.run else None
        gap = self.cloudwatch - self.run
        if abs(gap) <= _TOLERANCE * max(self.run, self.cloudwatch):
            return None
        cause = "others used the model, or the app retried" if gap > 0 else "it counts late, or answers came elsewhere"
        return f"{self.model}: {self.metric} is {self.cloudwatch:,} in CloudWatch, {self.run:,} in the run: {cause}"


def counts(run: Recording) -> dict[str, dict[str, int]]:
    """By model, the run's own figures under CloudWatch's names.

    A throttled call counts for the model it asked for; a request that was tried again was throttled once a retry. Calls
    that the target made beside its answers count too; what came from its cache, or from no model, was no call, and
    nobody knows of an answer that broke off what the model counted.
    """
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(METRICS, 0))
    for key, cell in run.cells().items():
        if cell.retries and key.model:
            found[key.model]["InvocationThrottles"] += cell.retries
        if key.outcome is Outcome.THROTTLED:
            found[key.model]["InvocationThrottles"] += cell.count
        if key.answered_by and key.answered_by != CANNED:
            is_whole = key.outcome in _ANSWERED
            mine = found[key.answered_by]
            mine["Invocations"] += cell.also_calls + (asked(key, cell) if is_whole else 0)
            mine["InputTokenCount"] += cell.input if is_whole else cell.also_input
            mine["OutputTokenCount"] += cell.output if is_whole else cell.also_output
    return {model: figures for model, figures in found.items() if any(figures.values())}


def window(manifest: Mapping[str, Any], run: Recording) -> tuple[datetime, datetime]:
    """The run's time in whole minutes, in which CloudWatch counts.

    Raises FmloadError for a manifest without a start.
    """
    try:
        start = datetime.fromisoformat(manifest["started_at"]).astimezone(UTC)
        elapsed_s = float(manifest.get("elapsed_s") or len(run.intervals))
    except (KeyError, TypeError, ValueError) as error:
        raise FmloadError("the run's manifest does not say when it was", remedy="was it edited?") from error
    floor = start.replace(second=0, microsecond=0)
    end = start + timedelta(seconds=elapsed_s)
    return floor, end.replace(second=0, microsecond=0) + _MINUTE


def pairs(run: Mapping[str, Mapping[str, int]], seen: Mapping[str, Mapping[str, int | None]]) -> tuple[Pair, ...]:
    """Each model's figures side by side."""
    return tuple(
        Pair(model, metric, figures[metric], seen.get(model, {}).get(metric))
        for model, figures in sorted(run.items())
        for metric in METRICS
    )
