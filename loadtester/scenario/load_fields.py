"""What can be set of the traffic: its shape, amount, time, and what becomes of requests that meet a limit."""

from __future__ import annotations

from typing import Final, get_args

from loadtester.scenario import kinds, stages, think
from loadtester.scenario.field import field
from loadtester.scenario.scenario import Arrivals, OnThrottle, Pattern

_YEAR_S: Final = 366 * 86_400.0
DAY_S: Final = 86_400.0
MOST_PER_S: Final = 1_000_000.0
MOST_SEED: Final = 2**63 - 1
_MOST_WORKERS: Final = 256
_MOST_ATTEMPTS: Final = 100
#: A plan is held in memory, some 30 bytes a request.
MOST_REQUESTS: Final = 100_000_000

_PATTERN: Final = kinds.choice("a pattern", get_args(Pattern))
_ARRIVALS: Final = kinds.choice("a kind of arrivals", get_args(Arrivals))
_ON_THROTTLE: Final = kinds.choice("what to do", get_args(OnThrottle))
_STAGES: Final = kinds.several(stages.stage, {"type": "string", "pattern": stages.STAGE}, "2m:20/s")
_USER_STAGES: Final = kinds.several(stages.user_stage, {"type": "string", "pattern": stages.USER_STAGE}, "2m:20")
_THINK_TIME: Final = kinds.scalar(
    think.think_time,
    {"anyOf": [{"type": "string", "pattern": think.THINK_TIME}, {"type": "number", "minimum": 0, "maximum": 86_400}]},
    "10s",
)

LOAD: Final = (
    field("load.pattern", _PATTERN, "The shape of the traffic.", flag="--pattern"),
    field(
        "load.rate",
        kinds.rate(most=MOST_PER_S),
        "Requests per time: 5/s, 300/m, 10/h. The mean of sustained, burst and production, the end of ramp, the "
        "baseline of spike.",
        flag="--rate",
        attribute="load.rate_per_s",
    ),
    field(
        "load.duration",
        kinds.duration(above=0.0, most=_YEAR_S),
        "How long requests are sent: 90s, 2m, 1h30m. Of a trace, how much of the run is kept; stages of users are "
        "stretched to it.",
        flag="--duration",
        attribute="load.duration_s",
    ),
    field(
        "load.requests",
        kinds.whole(least=1, most=MOST_REQUESTS),
        "How many requests. With a duration the rate follows, otherwise the duration does.",
        flag="--requests",
    ),
    field("load.arrivals", _ARRIVALS, "Even gaps, or a Poisson process on the same rate.", flag="--arrivals"),
    field(
        "load.stages",
        _STAGES,
        "Instead of a pattern: over each duration the rate moves in a line to the rate, as in 2m:20/s.",
        flag="--stage",
    ),
    field(
        "load.users",
        kinds.whole(least=1, most=stages.MOST_USERS),
        "Instead of a pattern: so many users, each asking, waiting for the answer, thinking, and asking again.",
        flag="--users",
    ),
    field(
        "load.user_stages",
        _USER_STAGES,
        "The number of users over time: over each duration it moves in a line to the number, as in 2m:20. The first "
        "stage begins at `load.users`, or at none; `load.duration` stretches them all.",
        flag="--user-stage",
    ),
    field(
        "load.think_time",
        _THINK_TIME,
        "From an answer to the same user's next question: 10s or lognormal:10s around a median, exponential:10s around "
        "a mean, constant:10s.",
        flag="--think-time",
    ),
    field(
        "load.ai_users",
        kinds.share(),
        "The part of the users that ever asks a model; the others send plain requests (crud) only. The shares of the "
        "mix hold for all users together.",
        flag="--ai-users",
    ),
    field(
        "load.trace",
        kinds.input_path(),
        "Instead of a pattern: replay the arrivals and token counts of a trace (CSV, Azure layout).",
        flag="--trace",
    ),
    field("load.speed", kinds.real(above=0.0, most=1e6), "Replay the trace so many times faster.", flag="--speed"),
    field("load.seed", kinds.whole(least=0, most=MOST_SEED), "Same seed, same requests.", flag="--seed"),
    field(
        "load.timeout",
        kinds.duration(above=0.0, most=DAY_S),
        "Give up on an answer after this.",
        flag="--timeout",
        attribute="load.timeout_s",
    ),
    field(
        "load.graceful_stop",
        kinds.duration(most=DAY_S),
        "How long a stopped run may wait for what is in flight.",
        flag="--graceful-stop",
        attribute="load.graceful_stop_s",
    ),
    field(
        "load.warmup",
        kinds.duration(most=DAY_S),
        "Leave out of every figure what is due in this time from the start; it is sent, counted and paid for.",
        flag="--warmup",
        attribute="load.warmup_s",
    ),
    field(
        "load.max_in_flight",
        kinds.whole(least=1, most=1_000_000),
        "Drop (and count) arrivals while so many requests wait for their answers.",
        flag="--max-in-flight",
    ),
    field(
        "load.workers",
        kinds.whole_or_auto(least=1, most=_MOST_WORKERS),
        "Processes that send: a number, or auto for as many as the rate needs and the machine has.",
        flag="--workers",
    ),
    field(
        "load.on_throttle",
        _ON_THROTTLE,
        "A throttled request: record it, or backoff and try it again, after Retry-After or a wait that is drawn.",
        flag="--on-throttle",
    ),
    field(
        "load.max_attempts",
        kinds.whole(least=2, most=_MOST_ATTEMPTS),
        "With backoff: how often a request is tried at most, the first time included.",
    ),
    field(
        "load.stop_when_saturated",
        kinds.boolean(),
        "Stop a run (not one of users) when requests in flight and time to first token, or latency, grow without end.",
        flag="--stop-when-saturated",
        attribute="load.is_stopped_when_saturated",
    ),
)
