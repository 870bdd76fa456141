"""What observers of a running run get once a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from loadtester.model import Outcome
from loadtester.recorder.recording import Interval

#: "Now" is so many of the last seconds.
NOW_S: Final = 10


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Percentiles of `count` values, in seconds; None where there is no value."""

    count: int = 0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The state of a run after a second.

    Sums are from the start; what is called `now` is of the last NOW_S seconds, and `second` the last one as it was
    recorded. Latency and TTFT are of ok answers, from the moment each request was due; lag is of all that was sent.
    """

    second: Interval
    elapsed_s: float
    planned: int
    sent: int
    finished: int
    outcomes: Mapping[Outcome, int]
    outcomes_now: Mapping[Outcome, int]
    #: How many seconds "now" holds: fewer at the start.
    now_s: int
    planned_now_per_s: float
    sent_now_per_s: float
    finished_now_per_s: float
    #: Requests that ended in the last second, whenever they were sent.
    second_finished: int
    latency: Quantiles
    latency_now: Quantiles
    ttft: Quantiles
    ttft_now: Quantiles
    lag: Quantiles
    lag_now: Quantiles
    input_tokens: int
    output_tokens: int
    input_now_per_s: float
    output_now_per_s: float
    usd: Decimal
    #: By query type, what was spent on it and how many of its messages have their outcome, the never sent left out.
    usd_by_query: Mapping[str, tuple[Decimal, int]]
    #: What was last said of requests that did not end ok, newest first.
    errors: tuple[tuple[Outcome, str, int], ...] = ()

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answers."""
        return self.second.in_flight

    @property
    def throttle_rate(self) -> float | None:
        """Throttled of sent and ended, from the start; None for none."""
        return throttled(self.outcomes)

    @property
    def throttle_rate_now(self) -> float | None:
        """The same of the last seconds."""
        return throttled(self.outcomes_now)


#: Outcomes of requests that may never have been sent.
UNSENT: Final = frozenset({Outcome.DROPPED, Outcome.CANCELLED})


def throttled(outcomes: Mapping[Outcome, int]) -> float | None:
    """The throttled part of the requests that were sent and answered; None where there are none."""
    ended = sum(count for outcome, count in outcomes.items() if outcome not in UNSENT)
    return outcomes.get(Outcome.THROTTLED, 0) / ended if ended else None
