"""What holds where nothing was said, and why. Values are written as a user would write them and read the same way."""

from __future__ import annotations

from typing import Final, NamedTuple


class Default(NamedTuple):
    """A default as text, and the reason for it; without `text` the value follows from others, as `reason` says."""

    text: str | None
    reason: str


DEFAULTS: Final = {
    "load.pattern": Default("sustained", "the simplest traffic is the easiest to understand"),
    "load.rate": Default("5/s", "low enough not to hurt a target by accident, enough for a p95 within a minute"),
    "load.duration": Default("60s", "long enough for a first answer; a trace is replayed whole"),
    "load.requests": Default(None, "as many as rate and duration make"),
    "load.arrivals": Default(
        "uniform",
        "even gaps keep the luck of a draw out of short runs; production draws arrivals of its own",
    ),
    "load.stages": Default(None, "none"),
    "load.users": Default(None, "none: requests come at a rate, as they do from many users who don't know each other"),
    "load.user_stages": Default(None, "none"),
    "load.think_time": Default(
        "lognormal:45.7s",
        "between two questions of a conversation people take this long (RAGPulse, 14 days of a chatbot); a shorter "
        "time makes few users stand for many",
    ),
    "load.ai_users": Default("1", "every user may ask a model"),
    "load.trace": Default(None, "none"),
    "load.speed": Default("1", "a trace is replayed as it was recorded"),
    "load.seed": Default(
        "1", "the same command gives the same requests, so two runs differ by the target alone; change it to draw anew"
    ),
    "load.timeout": Default("30s", "API Gateway gives up after 29 s; nobody waits longer for a chat's answer"),
    "load.graceful_stop": Default("30s", "as long as the time limit: whatever was sent can still end on its own"),
    "load.warmup": Default("0s", "nothing is left out that nobody asked to leave out"),
    "load.max_in_flight": Default("10000", "beyond any healthy target, within the memory of a laptop"),
    "load.workers": Default(
        "auto", "one process carries thousands of requests a second; more only where one is too few"
    ),
    "load.on_throttle": Default("record", "a load test wants to see throttling, not to hide it behind retries"),
    "load.max_attempts": Default(
        "3", "what the AWS SDKs' standard mode does; one more only meets the same empty minute"
    ),
    "load.stop_when_saturated": Default("false", "how a target behaves under too much load is often the question"),
    "target.url": Default(None, "the bundled MangaAssist, started and stopped by fmload"),
    "target.protocol": Default(
        None, "what the URL's scheme says: ws(s) is ws, http(s) is rest; ws for the bundled target"
    ),
    "target.region": Default(None, "the one in bedrock:REGION"),
    "target.endpoint_url": Default(None, "AWS's own endpoint of the region"),
    "target.headers": Default(None, "none"),
    "target.ca_file": Default(None, "the system's trust store alone"),
    "target.streaming": Default(
        "true", "chat applications stream, and without a stream there is no time to first token"
    ),
    "target.client": Default("fast", "what a run measures should not be its own client"),
    "bundled.seed": Default("1", "the bundled target repeats itself as the requests do"),
    "bundled.time_scale": Default("1", "latencies as the real models have them"),
    "bundled.tokens_per_minute": Default(
        "100000",
        "half of Claude 3's old default in ap-northeast-1 (Tokyo): new accounts get less, and a spike meets it",
    ),
    "bundled.requests_per_minute": Default(None, "no limit: today's quotas count tokens"),
    "bundled.window": Default("bucket", "AWS does not say; a bucket that refills evenly is the milder of the two"),
    "bundled.model_connections": Default(
        "200", "four tasks of MangaAssist's fifty; 50 is one task, which a spike exhausts"
    ),
    "quota.tokens_per_minute": Default(None, "unknown; the bundled target has its own"),
    "quota.requests_per_minute": Default(None, "no limit: today's quotas count tokens"),
    "quota.window": Default("bucket", "AWS does not say; `fmload plan` reckons both ways"),
    "quota.prompt_tokens": Default(None, "none for bedrock and openai; of other targets unknown, and left out"),
    "safety.max_cost": Default(None, "no limit"),
    "safety.max_requests": Default(None, "no limit"),
    "safety.max_rate": Default(None, "no limit"),
    "safety.confirm_over_usd": Default("5", "less than a lunch needs no question; a slip of the rate soon costs more"),
    "mix": Default("production", "what MangaAssist's customers ask"),
    "model": Default(None, "each query type's own"),
    "max_tokens": Default("1024", "MangaAssist's own limit; quota is reserved for this many tokens a request"),
    "slo": Default("3s", "MangaAssist promises a useful answer in under three seconds"),
    "daily_messages": Default("1000000", "MangaAssist's traffic: a million messages a day"),
    "thresholds": Default(None, "none"),
    "abort_on_fail": Default("false", "a whole run says more than half a one"),
    "abort_delay": Default("10s", "first connections and cold caches make the first seconds slow"),
    "strict_ci": Default("false", "a value on the right side of its limit passes"),
    "prices": Default(None, "the published price of each model"),
    "output.directory": Default("reports", "the project's folder for runs"),
    "output.name": Default(None, "the scenario's name, or the pattern"),
    "output.tags": Default(None, "none"),
    "output.keep": Default(None, "20 of the bundled target's, whose customers nobody is; 0 of any other's"),
    "output.redact": Default(None, "nothing more"),
    "observe.prometheus": Default(None, "nothing is served"),
    "observe.remote_write": Default(None, "nothing is pushed"),
    "observe.otel": Default("false", "nothing is sent; an endpoint turns it on"),
    "observe.otel_endpoint": Default(None, "OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318"),
    "observe.otel_sample": Default("0.01", "failures are what one looks for; a few good answers to hold them against"),
    "observe.otel_content": Default("false", "what people ask is nobody's business unless they agreed"),
    "description": Default(None, "none"),
}
