"""A limit that a run has to keep, and what can be limited."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from loadtester.model import Outcome

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Aggregate = Literal["avg", "min", "max", "med", "p", "count"]
#: What a value is counted in: seconds, a part of the whole, per second, USD, a number, or a verdict's rank.
Unit = Literal["s", "share", "per_s", "usd", "count", "verdict"]

#: The run's verdicts on itself; each is worth its place.
VERDICTS: Final = ("invalid", "suspect", "valid")
TAGS: Final = ("query", "model", "kind", "outcome")
#: Distributions: what is said of them needs an aggregate.
SPREADS: Final = ("latency", "service", "lag", "ttft", "ttft_service", "itl", "tpot", "connect")
#: Rates per second. With a window they are looked at while requests are sent, not while the run drains.
FLOWS: Final = ("offered", "delivered", "throughput", "goodput")
#: Counted when requests become due or leave; by tag they are known only once they have ended.
DEPARTURES: Final = ("offered", "delivered", "planned", "sent", "requests")
#: Of a whole run and its whole mix: neither by tag nor by window, and known only at the end.
WHOLE: Final = ("cost.daily", "cost.monthly", "validity")
#: What can also be told by outcome; of distributions only ok answers from the others.
BY_OUTCOME: Final = (*SPREADS, "requests", "tokens.input", "tokens.output", "cost.run")
OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)

#: Every metric, and what it is counted in.
METRICS: Final[Mapping[str, Unit]] = {
    **dict.fromkeys(SPREADS, "s"),
    **dict.fromkeys(("throttle_rate", "error_rate", "sla"), "share"),
    **dict.fromkeys(FLOWS, "per_s"),
    **{f"cost.{name}": "usd" for name in ("run", "per_good_answer", "daily", "monthly", "wasted")},
    **dict.fromkeys(("tokens.input", "tokens.output", "planned", "sent", "requests", *OUTCOMES), "count"),
    **{f"{name}_rate": "share" for name in OUTCOMES},
    "validity": "verdict",
}

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit, as `expression` says it.

    `limit` is in seconds, a part of 1, per second, USD, a number, or the rank of a verdict, as `unit` says. `percent`
    goes with the aggregate `p`. With `window_s` every stretch of so many seconds has to keep to it. Where
    `is_aborting` and `delay_s` are None, the run's own hold.
    """

    expression: str
    metric: str
    tags: tuple[tuple[str, str], ...]
    aggregate: Aggregate | None
    percent: float | None
    window_s: int | None
    operator: Operator
    limit: float
    unit: Unit
    is_aborting: bool | None = None
    delay_s: float | None = None

    @property
    def is_upper(self) -> bool:
        """Whether the value may not be more than the limit."""
        return self.operator in ("<", "<=")

    def holds(self, value: float) -> bool:
        """Whether the value keeps to the limit."""
        return _COMPARE[self.operator](value, self.limit)

    def slack(self, value: float) -> float:
        """How far the value is on the right side of the limit; negative on the wrong one."""
        if self.is_upper:
            return self.limit - value
        if self.operator in (">", ">="):
            return value - self.limit
        return abs(value - self.limit) * (-1.0 if self.operator == "==" else 1.0)

    def is_crossed(self, low: float, high: float) -> bool:
        """Whether the limit lies within the interval, so that the value could be on either side of it."""
        return low < self.limit < high
