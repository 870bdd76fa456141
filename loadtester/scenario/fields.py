"""The one table of everything that can be set: a row gives a field its key, flag, variable, kind and words.

Reading, checking, the JSON Schema and docs/scenarios.md all come from these rows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, get_args

from loadtester.scenario import address, kinds, own_pattern, queries, threshold_list
from loadtester.scenario.field import Field, field
from loadtester.scenario.header import header
from loadtester.scenario.load_fields import DAY_S, LOAD, MOST_PER_S, MOST_REQUESTS, MOST_SEED
from loadtester.scenario.scenario import Client, Protocol, Window

_MOST_TOKENS: Final = 10**12
_MOST_KEPT: Final = 1_000
_MOST_USD: Final = Decimal(10**9)

_HEADERS: Final = kinds.pairs(
    header,
    ":",
    {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    separator=r"[\r\n]+",
    example="'Name: value'",
)
_TAGS: Final = kinds.pairs(
    kinds.tag,
    "=",
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    separator=r",",
    example="team=search",
)
_REDACT: Final = kinds.pairs(
    own_pattern.checked,
    "=",
    {"type": "object", "additionalProperties": {"type": "string"}},
    separator=r"[\r\n]+",
    example=r"'staff id': 'E\d{6}'",
)
_WINDOW: Final = kinds.choice("a window", get_args(Window))
_CLIENT: Final = kinds.choice("a client", get_args(Client))
_PROTOCOL: Final = kinds.choice("a protocol", get_args(Protocol))
_URL: Final = kinds.scalar(address.address, {"type": "string", "pattern": address.ADDRESS}, "https://host/path")
_WEB_URL: Final = kinds.scalar(address.web_url, {"type": "string", "pattern": "^https?://"}, "http://127.0.0.1:8081")
_LISTEN: Final = kinds.scalar(
    address.listen, {"anyOf": [{"type": "string", "pattern": address.LISTEN}, {"type": "integer"}]}, ":9464"
)
_REGION: Final = kinds.scalar(address.region, {"type": "string", "pattern": address.REGION}, "us-east-1")

_TARGET: Final = (
    field(
        "target.url",
        _URL,
        "Where the traffic goes: https://…, wss://…, openai+https://…/v1 or bedrock:REGION.",
        flag="TARGET",
    ),
    field("target.protocol", _PROTOCOL, "How to talk to the target.", flag="--protocol"),
    field("target.region", _REGION, "AWS region, for bedrock.", flag="--region"),
    field("target.endpoint_url", _WEB_URL, "Another Bedrock endpoint, such as an emulator's.", flag="--endpoint-url"),
    field("target.headers", _HEADERS, "Sent with each request; values are not shown and not stored.", flag="--header"),
    field("target.ca_file", kinds.existing_path(), "Trust the certificates of this PEM file too.", flag="--ca-file"),
    field(
        "target.streaming",
        kinds.boolean(),
        "Ask openai and bedrock for a stream.",
        flag="--stream",
        attribute="target.is_streaming",
    ),
    field(
        "target.client",
        _CLIENT,
        "fast is fmload's own client; compat the slower way through httpx, websockets and aioboto3 (HTTP/2, proxies).",
        flag="--client",
    ),
)

_BUNDLED: Final = (
    field("bundled.seed", kinds.whole(least=0, most=MOST_SEED), "Seed of its latencies and answers."),
    field(
        "bundled.time_scale",
        kinds.real(least=0.0, most=1_000.0),
        "Length of every simulated wait: 0.1 is ten times faster, 0 is none.",
        flag="--time-scale",
    ),
    field(
        "bundled.tokens_per_minute",
        kinds.whole(least=0, most=_MOST_TOKENS),
        "Quota of each model; 0 is unlimited.",
        flag="--tokens-per-minute",
    ),
    field(
        "bundled.requests_per_minute",
        kinds.whole(least=1, most=_MOST_TOKENS),
        "Legacy quota of each model.",
    ),
    field(
        "bundled.window",
        _WINDOW,
        "How the emulator counts a minute: a bucket that refills evenly, or the clock's minute.",
    ),
    field(
        "bundled.model_connections",
        kinds.whole(least=1, most=100_000),
        "Connections that MangaAssist has to Bedrock; who waits over two seconds for one gets an error.",
        flag="--model-connections",
    ),
)

_QUOTA: Final = (
    field("quota.tokens_per_minute", kinds.whole(least=1, most=_MOST_TOKENS), "Tokens a minute of each model."),
    field("quota.requests_per_minute", kinds.whole(least=1, most=_MOST_TOKENS), "Requests a minute of each model."),
    field("quota.window", _WINDOW, "How a minute is counted: a bucket that refills evenly, or the clock's minute."),
    field(
        "quota.prompt_tokens",
        kinds.whole(least=0, most=10_000_000),
        "What the service adds to each prompt: its system prompt, sources, history.",
    ),
)

_SAFETY: Final = (
    field(
        "safety.max_cost",
        kinds.money(most=_MOST_USD),
        "Stop before the bill could pass so many USD; what a request costs at worst is set aside until its bill is "
        "known.",
        flag="--max-cost",
        attribute="safety.max_cost_usd",
    ),
    field(
        "safety.max_requests",
        kinds.whole(least=1, most=MOST_REQUESTS),
        "Send no more than the first so many requests, whatever the traffic's shape.",
        flag="--max-requests",
    ),
    field(
        "safety.max_rate",
        kinds.rate(most=MOST_PER_S),
        "Never more requests a second: a plan that asks for more doesn't start, users are held back.",
        flag="--max-rate",
        attribute="safety.max_rate_per_s",
    ),
    field(
        "safety.confirm_over_usd",
        kinds.money(most=_MOST_USD),
        "Ask before a run on a priced remote target that may cost more than this.",
    ),
)

_WORKLOAD: Final = (
    field("mix", queries.mix(), "What is asked: production, a file, or query types with their shares.", flag="--mix"),
    field("model", kinds.words("the model's id"), "Ask this model for every query type.", flag="--model"),
    field("max_tokens", kinds.whole(least=1, most=10_000_000), "Cut answers at this length.", flag="--max-tokens"),
)

_JUDGE: Final = (
    field(
        "slo",
        kinds.duration(above=0.0, most=DAY_S),
        "A good answer takes at most this.",
        flag="--slo",
        attribute="judge.slo_s",
    ),
    field(
        "daily_messages",
        kinds.whole(least=1, most=10**12),
        "Project the bill to so many messages a day.",
        flag="--daily-messages",
        attribute="judge.daily_messages",
    ),
    field(
        "thresholds",
        threshold_list.thresholds(),
        "Limits that the run has to keep, such as `latency:p(95)<3s`; an entry is a text, or a mapping with "
        "`threshold`, `abort_on_fail` and `delay` (cli.md).",
        flag="--threshold",
        attribute="judge.thresholds",
    ),
    field(
        "abort_on_fail",
        kinds.boolean(),
        "Stop the run as soon as one of its thresholds fails.",
        flag="--abort-on-fail",
        attribute="judge.is_aborting",
    ),
    field(
        "abort_delay",
        kinds.duration(most=DAY_S),
        "How long a run goes on before a threshold may stop it.",
        flag="--abort-delay",
        attribute="judge.abort_delay_s",
    ),
    field(
        "strict_ci",
        kinds.boolean(),
        "A threshold whose limit lies within the value's 95 % interval fails, instead of being too close to call.",
        flag="--strict-ci",
        attribute="judge.is_strict",
    ),
    Field(
        "prices",
        kinds.prices(),
        "By model, USD per 1M tokens: input, output, cache_read, cache_write. They win over the published prices.",
        "prices",
    ),
)

_OUTPUT: Final = (
    field("output.directory", kinds.output_path(), "Where run directories go.", flag="--out"),
    field("output.name", kinds.words("nightly"), "The run's name.", flag="--name"),
    field("output.tags", _TAGS, "Kept with the run, as k=v.", flag="--tag"),
    field(
        "output.keep",
        kinds.whole(least=0, most=_MOST_KEPT),
        "Keep the first so many failing exchanges, prompts and answers with personal data taken out, and half as many "
        "good ones.",
        flag="--keep",
    ),
    field(
        "output.redact",
        _REDACT,
        "By kind, regular expressions for what else is taken out of kept exchanges (exchanges.md).",
    ),
)

_OBSERVE: Final = (
    field(
        "observe.prometheus",
        _LISTEN,
        "Serve the run to Prometheus, at /metrics of this port (on loopback) or host:port.",
        flag="--prometheus",
    ),
    field(
        "observe.remote_write",
        _WEB_URL,
        "Push the run to this Prometheus (remote write), every five seconds and at its end.",
        flag="--prometheus-remote-write",
    ),
    field(
        "observe.otel",
        kinds.boolean(),
        "Send GenAI metrics and sampled spans to an OpenTelemetry collector, by OTLP over HTTP.",
        flag="--otel",
        attribute="observe.is_otel",
    ),
    field(
        "observe.otel_endpoint",
        _WEB_URL,
        "The collector; /v1/metrics and /v1/traces are added.",
        flag="--otel-endpoint",
    ),
    field(
        "observe.otel_sample",
        kinds.share(),
        "The part of the good answers that gets a span; every failure does.",
        flag="--otel-sample",
    ),
    field(
        "observe.otel_content",
        kinds.boolean(),
        "Put the prompt and the answer of each sampled request into its span.",
        flag="--otel-content",
        attribute="observe.has_otel_content",
    ),
)

FIELDS: Final = (
    Field("description", kinds.words("what it is for"), "What the scenario is for; `fmload scenarios` lists it.", ""),
    *LOAD,
    *_TARGET,
    *_BUNDLED,
    *_QUOTA,
    *_SAFETY,
    *_WORKLOAD,
    *_JUDGE,
    *_OUTPUT,
    *_OBSERVE,
)

BY_PATH: Final = {row.path: row for row in FIELDS}

#: The sections of a file that hold fields, each with what it is about.
SECTIONS: Final = {
    "load": "How much traffic, when.",
    "target": "Where the traffic goes, and how.",
    "bundled": "The bundled MangaAssist and its Bedrock emulator; of no effect on other targets.",
    "quota": "What is known of a target that isn't the bundled one, for `fmload plan` and `search`; nothing is sent.",
    "safety": "What a run may never pass, and what it has to be agreed to for.",
    "output": "Where the run is kept, and under which name.",
    "observe": "Who is shown the run while it goes on (observability.md).",
}
