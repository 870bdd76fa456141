"""What the judging arm found: the frozen nouns that reporters turn into text and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from loadtester.analysis.quotas.quota import Quota

if TYPE_CHECKING:  # a comparison is made of reports
    from loadtester.analysis.comparison.found import Compared

Verdict = Literal["valid", "suspect", "invalid"]

#: What became of a threshold; `too_close` passed by its value, but its interval crosses the limit.
ThresholdVerdict = Literal["pass", "fail", "too_close", "no_data"]

#: The 95 % interval of a figure, by its name.
Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run is not simply valid: a stable code, a sentence, and the figures behind it."""

    code: str
    message: str
    evidence: Mapping[str, float | int | str]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Validity:
    """The run's verdict on itself."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Funnel:
    """Where every planned request went.

    planned = dropped + cancelled + unfinished + sent;  sent = the sum of what comes after it. Only a run that was
    killed, or lost a worker, has `unfinished` (due, but never sent) and `unanswered` (in flight when it ended).
    `warmup` more were due in the warm-up, and are in none of the others.
    """

    planned: int
    dropped: int
    cancelled: int
    unfinished: int
    sent: int
    ok: int
    truncated: int
    filtered: int
    invalid: int
    broken: int
    throttled: int
    unavailable: int
    timeout: int
    model_timeout: int
    server_error: int
    client_error: int
    refused: int
    cancelled_in_flight: int
    unanswered: int
    warmup: int = 0

    @property
    def failed(self) -> int:
        """Sent, and ended neither ok nor throttled, nor cut short by the user or by the run's own end."""
        return self.sent - self.ok - self.throttled - self.cancelled_in_flight - self.unanswered


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates per second and fractions, as docs/measurement.md defines them; None where there is nothing to divide by."""

    offered_per_s: float | None
    delivered_per_s: float | None
    throughput_per_s: float | None
    goodput_per_s: float | None
    throttle_rate: float | None
    error_rate: float | None
    sla: float | None
    ci95: Intervals = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in seconds; a percentile is None below the samples that it needs.

    `effective` is how many independent samples its mean is worth, None where that can't be told.
    """

    count: int
    mean: float | None = None
    min: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None
    ci95: Intervals = field(default_factory=dict)
    #: Percentiles whose interval ends at the highest value seen: its upper end is that, or more.
    at_least: tuple[str, ...] = ()
    effective: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The time of one stage over the answers that had it, and its share of all the time from sending."""

    time_s: Spread
    share: float


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time went: `stages` by the target's account, `app` its total less the model, `network` the rest."""

    app: Stage | None
    network: Stage
    stages: Mapping[str, Stage]


@dataclass(frozen=True, slots=True)
class Fallback:
    """So many requests for one model were answered by another."""

    asked: str
    answered_by: str
    count: int


@dataclass(frozen=True, slots=True)
class CacheHits:
    """Ok answers from the target's own cache, by layer, and as a share of all ok answers."""

    exact: int
    semantic: int
    rate: float


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often `sent` requests were tried: `retried` of them again, after a throttle, `retries` times in all.

    `first_s` is from due to the end of the first attempt, where that was ok: the latency had nothing been tried again.
    `turned_away_s` is the same where it was not.
    """

    total: int
    retried: int
    retries: int
    first_s: Spread
    turned_away_s: Spread


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sums of tokens; `estimated_answers` of the answers had theirs estimated."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    estimated_answers: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The run's bill and what a day and a month of such traffic would cost, in USD; None where no price is known.

    run = good + wasted + warmup; the warm-up's part is in nothing else.
    """

    run: Decimal | None
    good: Decimal | None
    wasted: Decimal | None
    per_good_answer: Decimal | None
    warmup: Decimal | None = Decimal(0)
    daily: Decimal | None = None
    monthly: Decimal | None = None
    monthly_if_all_answered: Decimal | None = None
    daily_messages: int | None = None
    assumption: str = ""
    price_table: str = ""
    unpriced_models: tuple[str, ...] = ()
    ci95: Intervals = field(default_factory=dict)

    @property
    def measured(self) -> Decimal | None:
        """The bill of what every other figure is of: without the warm-up."""
        return None if self.run is None or self.warmup is None else self.run - self.warmup


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything measured on one part of the traffic, or on all of it."""

    funnel: Funnel
    rates: Rates
    latency: Spread
    service: Spread
    lag: Spread
    ttft: Spread
    itl: Spread
    tpot: Spread
    connect: Spread
    failed_latency: Spread
    tokens: Tokens
    cost: Cost
    held: int
    reconnects: int
    degraded: int = 0
    split: Split | None = None
    fallbacks: tuple[Fallback, ...] = ()
    cache: CacheHits | None = None
    attempts: Attempts | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding somebody should act on: what was seen, what to change, what that should bring, and what it rests on.

    `check` is a command that can prove it wrong. `at_stake` is the part of the requests or of the bill that the change
    is about, whichever is more.
    """

    code: str
    message: str
    change: str
    effect: str
    evidence: Mapping[str, float | int | str]
    check: str
    at_stake: float


@dataclass(frozen=True, slots=True)
class Failure:
    """What was said of so many requests that did not end ok."""

    outcome: str
    detail: str
    count: int


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A threshold held against the run: value and limit in the metric's own unit (seconds, fractions, USD, counts).

    `margin` is how far the value is on the right side of the limit, as a part of the limit; negative on the wrong one.
    `unit` is s, share, per_s, usd, count or verdict; a verdict counts 0 invalid, 1 suspect, 2 valid. Of a threshold on
    windows the worst one counts, which begins `at_s` seconds after the run. `reason` says why it could not pass.
    """

    expression: str
    value: float | None
    ci95: tuple[float, float] | None
    limit: float
    margin: float | None
    verdict: ThresholdVerdict
    unit: str = ""
    at_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Warmup:
    """What was due in the first seconds of a run: sent, counted and paid for, but in none of its figures."""

    s: float
    requests: int
    sent: int
    usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Report:
    """A judged run; `against` is what it was compared with, where a baseline was given."""

    manifest: Mapping[str, Any]
    elapsed_s: float
    validity: Validity
    total: Figures
    by: Mapping[str, Mapping[str, Figures]]
    failures: tuple[Failure, ...] = ()
    advice: tuple[Advice, ...] = ()
    exit_codes: tuple[int, ...] = field(default=())
    quota: Quota | None = None
    thresholds: tuple[ThresholdResult, ...] = ()
    warmup: Warmup | None = None
    #: By outcome, how many exchanges of the run were kept to be looked at.
    kept: Mapping[str, int] = field(default_factory=dict)
    against: Compared | None = None
    #: Where the run lies, as it was named when it was read: for commands.
    directory: str = ""
