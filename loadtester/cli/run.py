"""`fmload run`: drive traffic at a target and report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from loadtester.cli.show import Summary, say_where, show
from loadtester.cli.stated_prices import with_prices
from loadtester.errors import Exit, FmloadError

_TRAFFIC = "Traffic"
_SAFETY = "Safety"
_TARGET = "Target"
_WORKLOAD = "Workload"
_OUTPUT = "Output"
_OBSERVE = "Watching it run"


def run(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="https://…, wss://…, openai+https://…/v1 or bedrock:REGION; without one, the bundled MangaAssist.",
        ),
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option("-f", "--scenario", metavar="NAME|FILE", help="A scenario file, or the name of a built-in one."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="sustained, ramp, burst, spike or production.", rich_help_panel=_TRAFFIC),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("-r", "--rate", metavar="RATE", help="Requests per time: 5/s, 300/m.", rich_help_panel=_TRAFFIC),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("-d", "--duration", metavar="TIME", help="How long: 90s, 2m, 1h30m.", rich_help_panel=_TRAFFIC),
    ] = None,
    requests: Annotated[
        int | None, typer.Option("-n", "--requests", metavar="N", help="How many requests.", rich_help_panel=_TRAFFIC)
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "-s", "--stage", metavar="TIME:RATE", help="Move to a rate: 2m:20/s. Repeatable.", rich_help_panel=_TRAFFIC
        ),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(
            "-u", "--users", metavar="N", help="Users who wait for answers, and think.", rich_help_panel=_TRAFFIC
        ),
    ] = None,
    user_stage: Annotated[
        list[str] | None,
        typer.Option(metavar="TIME:N", help="Move to so many users: 2m:20. Repeatable.", rich_help_panel=_TRAFFIC),
    ] = None,
    think_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="A user's, between answer and question: 10s, exponential:10s.",
            rich_help_panel=_TRAFFIC,
        ),
    ] = None,
    ai_users: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Of the users, those who ask models: 0.3 or 30%.", rich_help_panel=_TRAFFIC),
    ] = None,
    arrivals: Annotated[
        str | None, typer.Option(metavar="KIND", help="uniform or poisson.", rich_help_panel=_TRAFFIC)
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Replay a trace's arrivals and token lengths (CSV, Azure layout).",
            rich_help_panel=_TRAFFIC,
        ),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(metavar="X", help="Replay the trace so many times faster.", rich_help_panel=_TRAFFIC)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Same seed, same requests.", rich_help_panel=_TRAFFIC)
    ] = None,
    warmup: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Leave its first TIME out of every figure: 10s.", rich_help_panel=_TRAFFIC),
    ] = None,
    max_in_flight: Annotated[
        int | None,
        typer.Option(
            "-c",
            "--max-in-flight",
            metavar="N",
            help="Drop (and count) arrivals beyond this.",
            rich_help_panel=_TRAFFIC,
        ),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Give up on an answer after this.", rich_help_panel=_TRAFFIC)
    ] = None,
    graceful_stop: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long a stopped run may drain.", rich_help_panel=_TRAFFIC)
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Processes that send.", rich_help_panel=_TRAFFIC)
    ] = None,
    on_throttle: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="record a throttled request, or backoff and try it again.", rich_help_panel=_TRAFFIC
        ),
    ] = None,
    max_cost: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Stop before the bill could pass this.", rich_help_panel=_SAFETY),
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(metavar="N", help="Send no more than this.", rich_help_panel=_SAFETY)
    ] = None,
    max_rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Never send faster than this.", rich_help_panel=_SAFETY)
    ] = None,
    stop_when_saturated: Annotated[
        bool,
        typer.Option(
            "--stop-when-saturated",
            help="Stop when waiting grows without end: the target gets more than it can take.",
            rich_help_panel=_SAFETY,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("-y", "--yes", help="Don't ask whether a run may cost what it may.", rich_help_panel=_SAFETY),
    ] = False,
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help="ws, rest, sse, openai or bedrock.", rich_help_panel=_TARGET)
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="fast, or compat for HTTP/2 and proxies.", rich_help_panel=_TARGET),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "-H",
            "--header",
            metavar="HEADER",
            help="'Name: value' sent with each request. Repeatable.",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    ca_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Trust this CA (PEM) too.", rich_help_panel=_TARGET)
    ] = None,
    region: Annotated[str | None, typer.Option(metavar="NAME", help="AWS region.", rich_help_panel=_TARGET)] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another Bedrock endpoint.", rich_help_panel=_TARGET)
    ] = None,
    streaming: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="openai, bedrock: ask for a stream.", rich_help_panel=_TARGET),
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="Bundled target: length of every simulated wait; 0 is none.", rich_help_panel=_TARGET
        ),
    ] = None,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option(metavar="N", help="Bundled target: quota of each model; 0 is unlimited.", rich_help_panel=_TARGET),
    ] = None,
    model_connections: Annotated[
        int | None,
        typer.Option(metavar="N", help="Bundled target: connections it has to Bedrock.", rich_help_panel=_TARGET),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE", help="production, or a file with the query types.", rich_help_panel=_WORKLOAD
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="Ask this model for every query type.", rich_help_panel=_WORKLOAD)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Cut answers at this length.", rich_help_panel=_WORKLOAD)
    ] = None,
    slo: Annotated[
        str | None, typer.Option(metavar="TIME", help="A good answer takes at most this.", rich_help_panel=_OUTPUT)
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIMIT",
            help="Fail (99) unless kept: 'latency:p(95)<3s', 'error_rate{kind=ai}<5%'. Repeatable.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    abort_on_fail: Annotated[
        bool,
        typer.Option("--abort-on-fail", help="Stop the run when a threshold fails.", rich_help_panel=_OUTPUT),
    ] = False,
    abort_delay: Annotated[
        str | None, typer.Option(metavar="TIME", help="But not before this.", rich_help_panel=_OUTPUT)
    ] = None,
    strict_ci: Annotated[
        bool,
        typer.Option("--strict-ci", help="A threshold that is too close to call fails.", rich_help_panel=_OUTPUT),
    ] = False,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own prices, USD per 1M tokens.", rich_help_panel=_OUTPUT),
    ] = None,
    daily_messages: Annotated[
        int | None,
        typer.Option(metavar="N", help="Project the bill to so many messages a day.", rich_help_panel=_OUTPUT),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="DIR", help="Where run directories go.", rich_help_panel=_OUTPUT),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="The run's name.", rich_help_panel=_OUTPUT)] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="k=v, kept with the run. Repeatable.", rich_help_panel=_OUTPUT),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Keep N failing exchanges and N/2 good ones to look at; 0 is none, as for any target but the bundled.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="[HOST]:PORT", help="Serve the run to Prometheus, here :9464.", rich_help_panel=_OBSERVE),
    ] = None,
    prometheus_remote_write: Annotated[
        str | None, typer.Option(metavar="URL", help="Push the run to a Prometheus.", rich_help_panel=_OBSERVE)
    ] = None,
    otel: Annotated[
        bool,
        typer.Option("--otel", help="Send metrics and spans to an OpenTelemetry collector.", rich_help_panel=_OBSERVE),
    ] = False,
    otel_endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Its OTLP/HTTP address, such as http://host:4318.", rich_help_panel=_OBSERVE),
    ] = None,
    otel_sample: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Of good answers, those with a span: 1%.", rich_help_panel=_OBSERVE),
    ] = None,
    otel_content: Annotated[
        bool, typer.Option("--otel-content", help="Prompts and answers in spans.", rich_help_panel=_OBSERVE)
    ] = False,
    reports: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            metavar="FORMAT",
            help="Beside report.html: csv, hlog, junit or parquet. Repeatable.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="latest-good|DIR",
            help="Compare with the last good run of the scenario, or with a run; 99 where this one is worse.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Send nothing; predict, as `fmload plan` does.", rich_help_panel=_OUTPUT),
    ] = False,
    quota_request: Annotated[
        bool,
        typer.Option("--quota-request", help="Of a plan: what AWS asks for, as Markdown.", rich_help_panel=_OUTPUT),
    ] = False,
    summary: Annotated[Summary, typer.Option(help="What to print.", rich_help_panel=_OUTPUT)] = Summary.FULL,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.", rich_help_panel=_OUTPUT)] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.", rich_help_panel=_OUTPUT)] = False,
) -> None:
    """Send traffic to TARGET and report: latency, time to first token, throttling, tokens, and the bill."""
    flags: dict[str, object] = {
        "target.url": target,
        "load.pattern": pattern,
        "load.rate": rate,
        "load.duration": duration,
        "load.requests": requests,
        "load.stages": stage or None,
        "load.users": users,
        "load.user_stages": user_stage or None,
        "load.think_time": think_time,
        "load.ai_users": ai_users,
        "load.arrivals": arrivals,
        "load.trace": trace,
        "load.speed": speed,
        "load.seed": seed,
        "load.max_in_flight": max_in_flight,
        "load.timeout": timeout,
        "load.graceful_stop": graceful_stop,
        "load.warmup": warmup,
        "load.workers": workers,
        "load.on_throttle": on_throttle,
        "safety.max_cost": max_cost,
        "safety.max_requests": max_requests,
        "safety.max_rate": max_rate,
        "target.protocol": protocol,
        "target.client": client,
        "target.headers": header or None,
        "target.ca_file": ca_file,
        "target.region": region,
        "target.endpoint_url": endpoint_url,
        "target.streaming": streaming,
        "bundled.time_scale": time_scale,
        "bundled.tokens_per_minute": tokens_per_minute,
        "bundled.model_connections": model_connections,
        "mix": mix,
        "model": model,
        "max_tokens": max_tokens,
        "slo": slo,
        "thresholds": threshold or None,
        "abort_on_fail": abort_on_fail or None,
        "abort_delay": abort_delay,
        "strict_ci": strict_ci or None,
        "load.stop_when_saturated": stop_when_saturated or None,
        "daily_messages": daily_messages,
        "output.directory": out,
        "output.name": name,
        "output.tags": tag or None,
        "output.keep": keep,
        "observe.prometheus": prometheus,
        "observe.remote_write": prometheus_remote_write,
        "observe.otel": otel or None,
        "observe.otel_endpoint": otel_endpoint,
        "observe.otel_sample": otel_sample,
        "observe.otel_content": otel_content or None,
    }
    from loadtester.scenario import resolve  # noqa: PLC0415  heavy, and --help must be quick

    given = {path: value for path, value in flags.items() if value is not None}
    resolved = with_prices(resolve(given, file=scenario, environ=os.environ), prices)
    if quota_request and not dry_run:
        raise FmloadError(
            "--quota-request is for a plan", remedy="add --dry-run, or fmload cost RUN --quota-request", code=Exit.USAGE
        )
    if dry_run:
        from loadtester.cli.plan import show_plan  # noqa: PLC0415  it has the flags of this verb

        show_plan(resolved, is_json=summary is Summary.JSON, is_request=quota_request)
        return
    from loadtester import campaign  # noqa: PLC0415
    from loadtester.campaign.exports import formats  # noqa: PLC0415
    from loadtester.cli.consent import require_consent  # noqa: PLC0415
    from loadtester.cli.watch import watch_of  # noqa: PLC0415

    wanted = formats(reports or ())
    if not yes:
        require_consent(resolved)
    if baseline is not None:
        from loadtester.campaign.baseline import require_baseline  # noqa: PLC0415

        require_baseline(baseline)
    report = campaign.run(resolved, watch_of(resolved, quiet=quiet, no_color=no_color), wanted, baseline)
    if not quiet:
        say_where(report, summary)
    show(report, summary, no_color=no_color)
