"""A checked scenario: everything a run needs to know, with every value resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from loadtester.scenario.threshold import Threshold

Pattern = Literal["sustained", "ramp", "burst", "spike", "production", "stages", "trace", "users"]
Arrivals = Literal["uniform", "poisson"]
Client = Literal["fast", "compat"]
Distribution = Literal["lognormal", "exponential", "constant"]
Window = Literal["bucket", "minute"]
OnThrottle = Literal["record", "backoff"]
Protocol = Literal["ws", "rest", "sse", "openai", "bedrock"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One leg of a staged run: over `duration_s` the rate moves in a line to `rate_per_s`."""

    duration_s: float
    rate_per_s: float


@dataclass(frozen=True, slots=True)
class UserStage:
    """One leg of a run of users: over `duration_s` their number moves in a line to `users`."""

    duration_s: float
    users: int


@dataclass(frozen=True, slots=True)
class ThinkTime:
    """From an answer to the same user's next question: `scale_s` is a lognormal's median, else the mean."""

    distribution: Distribution
    scale_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """How much traffic, when. `rate_per_s` is what docs/measurement.md calls a pattern's rate; 0 where there is none.

    Of pattern `users`, `users` are there from the start, and the stages, if any, go on from them.
    """

    pattern: Pattern
    rate_per_s: float
    duration_s: float
    requests: int | None
    arrivals: Arrivals
    stages: tuple[Stage, ...]
    users: int | None
    user_stages: tuple[UserStage, ...]
    think_time: ThinkTime
    #: Of `users`, the part that ever asks a model; the others only send plain requests.
    ai_users: float
    trace: Path | None
    speed: float
    seed: int
    timeout_s: float
    graceful_stop_s: float
    max_in_flight: int
    #: Processes that send; 0 lets the rate and the machine decide.
    workers: int
    on_throttle: OnThrottle = "record"
    #: Of one request, where throttled ones are tried again.
    max_attempts: int = 3
    is_stopped_when_saturated: bool = False
    #: From the start; requests due in it are in no figure.
    warmup_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where the traffic goes. `url` None is the bundled MangaAssist; `headers` may hold secrets (see redact)."""

    url: str | None
    protocol: Protocol
    region: str | None
    endpoint_url: str | None
    headers: Mapping[str, str]
    ca_file: Path | None
    is_streaming: bool
    client: Client


@dataclass(frozen=True, slots=True)
class Bundled:
    """The bundled target's own knobs: seed, clock scale (0.1 is ten times faster), quotas, connections to models.

    `window` is how the emulator counts a minute.
    """

    seed: int
    time_scale: float
    tokens_per_minute: int
    requests_per_minute: int | None
    model_connections: int
    window: Window = "bucket"


@dataclass(frozen=True, slots=True)
class Quota:
    """What is known of a target that isn't bundled: limits of each model a minute, and what it adds to a prompt."""

    tokens_per_minute: int | None = None
    requests_per_minute: int | None = None
    window: Window = "bucket"
    prompt_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Safety:
    """What a run may never pass, None is no limit, and from which predicted bill on it has to be agreed to."""

    max_cost_usd: Decimal | None = None
    max_requests: int | None = None
    max_rate_per_s: float | None = None
    confirm_over_usd: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class QueryType:
    """One kind of question in the mix. `share` is its part of all requests, 0 to 1.

    `prompts` may be empty: then the built-in prompts of that name are used.
    """

    name: str
    share: float
    model: str
    kind: str = "ai"
    language: str = "mixed"
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """What the run is judged by: the latency SLO in seconds, its thresholds, and the traffic the bill is projected to.

    Where it `is_aborting`, a threshold that fails `abort_delay_s` or later stops the run. `is_strict` fails what is too
    close to call.
    """

    slo_s: float
    daily_messages: int
    thresholds: tuple[Threshold, ...] = ()
    is_aborting: bool = False
    abort_delay_s: float = 10.0
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """Where the run directory goes, what it is called, and which exchanges are kept in it.

    `redact` are expressions, by kind, for what is taken out of them besides what always is.
    """

    directory: Path
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0
    redact: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observe:
    """Who is shown the run while it goes on; None is nobody.

    `prometheus` is host and port to serve at. `otel_endpoint` None is what OTEL_EXPORTER_OTLP_ENDPOINT says.
    """

    prometheus: str | None = None
    remote_write: str | None = None
    is_otel: bool = False
    otel_endpoint: str | None = None
    #: Of the good answers, the part that gets a span; every failure does.
    otel_sample: float = 0.01
    has_otel_content: bool = False

    @property
    def has_otel(self) -> bool:
        """Whether anything goes to a collector: naming one is asking for it."""
        return self.is_otel or self.otel_endpoint is not None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The whole of it. `origins` says for each dotted path (`load.rate_per_s`) where its value came from."""

    load: Load
    target: Target
    bundled: Bundled
    mix: tuple[QueryType, ...]
    max_tokens: int
    judge: Judge
    output: Output
    quota: Quota = field(default_factory=Quota)
    observe: Observe = field(default_factory=Observe)
    safety: Safety = field(default_factory=Safety)
    prices: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_crud(self) -> bool:
        """Whether plain HTTP requests are in the mix."""
        return any(query.kind == "crud" for query in self.mix)
