"""What a step of a search has to reach, as a share of its requests that have to be good.

Every goal comes down to such a share: an SLA is one already, a rate of throttles or errors is one's complement, and a
percentile is below a limit exactly when as large a share of the answers is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome
from loadtester.scenario.threshold import Threshold
from loadtester.scenario.threshold_text import parse

_TIMES: Final = ("latency", "service", "ttft", "ttft_service")
_TAGS: Final = ("query", "model")
_BAD_RATES: Final = (
    "error_rate",
    "throttle_rate",
    *(f"{outcome.value}_rate" for outcome in Outcome if outcome is not Outcome.OK),
)
_HALF: Final = 50.0
_EXAMPLES: Final = "'sla>=99%', 'throttle_rate<0.1%', 'error_rate<1%' or 'latency{query=recommendation}:p(95)<3s'"


@dataclass(frozen=True, slots=True)
class Goal:
    """At least the part `needed` of the requests with these `tags` is good.

    `limit` is the expression's own: a fraction, or, of a percentile, the seconds that a good answer may take.
    """

    expression: str
    metric: str
    needed: float
    limit: float
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def is_percentile(self) -> bool:
        """Whether it limits a distribution."""
        return self.metric in _TIMES


def goal_of(expression: str) -> Goal:
    """The goal of a threshold expression. Raises FmloadError, code 2, where it is none or can't steer a search."""
    threshold, faults = parse(expression)
    if threshold is None:
        raise _unfit(expression, "; ".join(f"{fault.what} ({fault.fix})" for fault in faults))
    if threshold.window_s is not None:
        raise _unfit(expression, "a search has windows of its own: leave [..] out")
    if unknown := [name for name, _ in threshold.tags if name not in _TAGS]:
        raise _unfit(expression, f"a search tells requests apart by {' and '.join(_TAGS)}, not by {unknown[0]}")
    if threshold.metric in _TIMES:
        return _percentile(expression, threshold)
    if threshold.metric == "sla":
        return _share(expression, threshold, (">", ">="), threshold.limit)
    if threshold.metric in _BAD_RATES:
        return _share(expression, threshold, ("<", "<="), 1.0 - threshold.limit)
    raise _unfit(expression, f"{threshold.metric} doesn't tell whether a rate is too high")


def _percentile(expression: str, threshold: Threshold) -> Goal:
    percent = _HALF if threshold.aggregate == "med" else threshold.percent
    if percent is None or not 0.0 < percent < 100.0:  # noqa: PLR2004  percent
        raise _unfit(expression, f"a search needs a percentile of {threshold.metric}, such as p(95)")
    if threshold.operator not in ("<", "<="):
        raise _unfit(expression, "a higher rate makes it larger: write <")
    return Goal(threshold.expression, threshold.metric, percent / 100, threshold.limit, threshold.tags)


def _share(expression: str, threshold: Threshold, operators: tuple[str, ...], needed: float) -> Goal:
    if threshold.operator not in operators:
        raise _unfit(expression, f"a higher rate makes {threshold.metric} worse: write {operators[1]}")
    if not 0.0 < needed <= 1.0:
        raise _unfit(expression, "any traffic keeps to it")
    return Goal(threshold.expression, threshold.metric, needed, threshold.limit, threshold.tags)


def _unfit(expression: str, what: str) -> FmloadError:
    return FmloadError(f"--goal {expression!r}: {what}", remedy=f"write {_EXAMPLES}", code=Exit.USAGE)
