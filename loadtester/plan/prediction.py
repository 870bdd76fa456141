"""What a run would send, cost and be refused: the noun that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from loadtester.scenario import Quota


@dataclass(frozen=True, slots=True)
class Range:
    """A mean, and between what 90 % of the simulated runs lie (5 % and 95 %)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Money:
    """A range in USD."""

    mean: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """All of a run, or one query type or model of it. Tokens and money are those of admitted requests only.

    `usd_if_all_admitted` is the mean bill without any limit.
    """

    requests: float
    throttle_rate: Range
    input_tokens: Range
    output_tokens: Range
    usd: Money
    usd_if_all_admitted: Decimal


@dataclass(frozen=True, slots=True)
class Slice:
    """A span of the run. `reserved` and `used` are tokens by model, of the requests that start in it; means."""

    start_s: float
    width_s: float
    requests: float
    by_query: Mapping[str, float]
    throttled: float
    reserved: Mapping[str, float]
    used: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Throttling:
    """What the limits do where a minute is counted in one way.

    `first_s` is None where most of the simulated runs are never throttled; `headroom` is by model the least part of a
    minute's tokens that stays free, None without a limit.
    """

    rate: Range
    by_phase: Mapping[str, float]
    first_s: float | None
    headroom: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """All figures of a plan; `throttling` is by window, the other figures are of `quota.window`.

    `cut_rate` is the part of all requests whose answers end at max_tokens, and are useless; `sla` the part that gets a
    whole answer within the SLO, None where the target's speed is not known. `latency_s` is of whole answers. `rows` of
    the requests were simulated, `runs` times; `notes` say what was assumed.
    """

    name: str
    pattern: str
    protocol: str
    seed: int
    slo_s: float
    duration_s: float
    quota: Quota
    total: Part
    by_query: Mapping[str, Part]
    by_model: Mapping[str, Part]
    throttling: Mapping[str, Throttling]
    minutes: Sequence[Slice]
    timeline: Sequence[Slice]
    in_flight_mean: float
    in_flight_peak: float
    latency_s: Mapping[str, float] | None
    cut_rate: float
    sla: float | None
    price_table: str
    rows: int
    runs: int
    notes: Sequence[str]
    origins: Mapping[str, str]
