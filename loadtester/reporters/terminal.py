"""The summary for people: plain text that can be pasted into a ticket, coloured where it goes to a terminal."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from shlex import quote
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from loadtester.analysis import Figures, Report, Spread
from loadtester.analysis.concurrency import concurrent
from loadtester.reporters.baseline_lines import baseline_lines
from loadtester.reporters.money_lines import money_lines, usd
from loadtester.reporters.quota_lines import quota_lines
from loadtester.reporters.threshold_lines import threshold_lines

_COLOURS = {"valid": "bold green", "suspect": "bold yellow", "invalid": "bold red"}
_MODEL_NOISE = re.compile(r"(-20\d{6})?(-v\d+(:\d+)?)?$")
_MOST_FAILURES = 5
_MOST_FALLBACKS = 5
#: Wide enough for any table.
_WIDEST = 1_000
#: Lines that begin with a label go on under what follows it.
_INDENT = 11
_LABELS = (
    *(
        "requests ",
        "outcomes ",
        "answered ",
        "attempts ",
        "rates ",
        "quality ",
        "held ",
        "reconnects ",
        "degraded ",
        "tokens ",
        "cost ",
        "budget ",
        "baseline ",
        "projected ",
        "quota ",
        "predicted ",
    ),
    " " * _INDENT,
)
_UNCORRECTED = "\nclosed model: latency is uncorrected, as a user who waits for a slow answer asks nothing meanwhile"
_UNSENT = ("warmup", "planned", "dropped", "cancelled", "unfinished", "sent")


def print_summary(report: Report, console: Console, *, is_compact: bool = False) -> None:
    """Print the summary; the compact one has no tables by query type and model."""
    parts = [
        _verdict(report),
        *threshold_lines(report),
        *baseline_lines(report),
        _headline(report),
        _funnel(report),
        _rates(report),
        _latency(report),
        *_sure(report),
        *_split(report),
        *([] if is_compact else _by(report)),
        money_lines(report),
        *quota_lines(report),
        *_advice(report),
        *_kept(report),
    ]
    # Tables take the room they need, whatever the console has: a figure that is cut short is a wrong figure.
    page = Console(width=_WIDEST, record=True, file=io.StringIO(), color_system=None)
    for part in parts:
        page.print(_wrapped(part, console.width) if isinstance(part, Text) else part, highlight=False, soft_wrap=True)
        page.print()
    styled = console.is_terminal and not console.no_color
    lines = page.export_text(styles=styled).splitlines()
    console.file.write("\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n")


def _wrapped(text: Text, width: int) -> Text:
    """The text, its long lines broken between words and continued under what they say."""
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        indent = _INDENT if line.plain.startswith(_LABELS) else 2
        whole = textwrap.wrap(line.plain, width, subsequent_indent=" " * indent, break_long_words=False)
        lines += [Text(piece, style=line.spans[0].style if line.spans else line.style) for piece in whole] or [Text()]
    return Text("\n").join(lines)


def _verdict(report: Report) -> Text:
    verdict = report.validity.verdict
    status = report.manifest.get("status")
    partial = ""
    if status != "complete":
        killed = "killed, or is still running" if status == "running" else str(status)
        partial = f"  partial: the run was {killed}"
    reasons = sorted(report.validity.reasons, key=lambda reason: reason.verdict != verdict)
    because = f": {reasons[0].message}" if reasons else ""
    lines = [str(report.manifest[key]) for key in ("error", "stopped_by") if report.manifest.get(key)]
    lines += [f"{reason.verdict}: {reason.message}" for reason in reasons[1:]]
    rest = "".join(f"\n  {line}" for line in lines)
    return Text.assemble((verdict.upper(), _COLOURS[verdict]), because, partial, rest)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _headline(report: Report) -> RenderableType:
    manifest = report.manifest
    plan = manifest["plan"]
    is_closed = manifest.get("model") == "closed"
    what = f"up to {plan['users']:,} users" if is_closed else _counted(plan["requests"], "request")
    text = (
        f"{manifest['name']}: {manifest['pattern']}, {what} in {plan['duration_s']:g} s "
        f"over {manifest['protocol']} to {manifest['target']}\n"
        f"{manifest['id']}  seed {manifest['seed']}  fmload {manifest.get('versions', {}).get('fmload', '')}"
    )
    return Text(text + _calibration(manifest.get("calibration")) + (_UNCORRECTED if is_closed else ""))


def _calibration(known: Mapping[str, Any] | None) -> str:
    """What the instrument was measured to do on its own, on this machine; nothing where it never was."""
    if not known:
        return ""
    step = known["steps"][-1]
    return (
        f"\ncalibrated {known['measured_at'][:10]} here: at {step['rate_per_s']:,}/s lag p99 "
        f"{step['lag_p99_s'] * 1e3:.2f} ms, round trip p99 {step['round_trip_p99_s'] * 1e3:.2f} ms; "
        f"at most {known['max_per_s']:,.0f}/s a process"
    )


def _funnel(report: Report) -> RenderableType:
    counts = asdict(report.total.funnel)
    before = [f"{name} {counts[name]:,}" for name in _UNSENT if counts[name] or name in ("planned", "sent")]
    after = [f"{name} {count:,}" for name, count in counts.items() if name not in _UNSENT and (count or name == "ok")]
    lines = [f"requests   {'  '.join(before)}", f"outcomes   {'  '.join(after)}"]
    lines += [
        f"           {failure.count:,} {failure.outcome}: {failure.detail.removeprefix(f'{failure.outcome}: ')}"
        for failure in report.failures[:_MOST_FAILURES]
        if failure.detail
    ]
    lines += [
        f"answered   {other.count:,} for {_short(other.asked)} by {_short(other.answered_by)}"
        for other in report.total.fallbacks[:_MOST_FALLBACKS]
    ]
    attempts = report.total.attempts
    if attempts is not None:
        lines.append(f"attempts   {attempts.total:,}: {attempts.retried:,} throttled requests tried again")
    if report.total.degraded:
        lines.append(f"degraded   {report.total.degraded:,} answers had to do without a store of the target's")
    cache = report.total.cache
    if cache is not None:
        lines.append(
            f"answered   {cache.rate:.1%} of ok from the target's cache: "
            f"exact {cache.exact:,}, semantic {cache.semantic:,}"
        )
    return Text("\n".join(lines))


def _rates(report: Report) -> RenderableType:
    rates = report.total.rates
    slo_s = report.manifest["scenario"]["judge"]["slo_s"]
    lost = report.total.reconnects
    reconnects = f"\nreconnects {lost:,} connections were opened anew in the middle of a conversation" if lost else ""
    held = (
        f"\nheld       {report.total.held:,} follow-up turns waited for the answer before" if report.total.held else ""
    )
    return Text(
        f"rates /s   offered {_rate(rates.offered_per_s)}  delivered {_rate(rates.delivered_per_s)}  "
        f"throughput {_rate(rates.throughput_per_s)}  goodput {_rate(rates.goodput_per_s)}\n"
        f"quality    SLA {_percent(rates.sla)} within {slo_s:g} s  "
        f"throttled {_percent(rates.throttle_rate)}  errors {_percent(rates.error_rate)}{held}{reconnects}"
    )


def _latency(report: Report) -> RenderableType:
    total = report.total
    table = _table("seconds", "count", "mean", "p50", "p95", "p99", "max")
    rows = {
        "latency (ok answers, from due)": total.latency,
        "service (from sent)": total.service,
        "time to first token": total.ttft,
        "between chunks": total.itl,
        "per output token": total.tpot,
        "failed requests": total.failed_latency,
        "connect": total.connect,
        "generator lag": total.lag,
    }
    if total.attempts is not None:
        rows["latency of first attempts"] = total.attempts.first_s
    for name, spread in rows.items():
        if spread.count:
            table.add_row(name, f"{spread.count:,}", *_columns(spread, "mean", "p50", "p95", "p99", "max"))
    return table


def _sure(report: Report) -> Iterator[RenderableType]:
    """Between what the tails lie, as far as the run can tell."""
    lines = []
    for name, spread in (("latency", report.total.latency), ("first token", report.total.ttft)):
        found = [
            f"{tail} {_seconds(spread.ci95[tail][0])} to {_seconds(spread.ci95[tail][1])}"
            + (" or more" if tail in spread.at_least else "")
            for tail in ("p95", "p99")
            if tail in spread.ci95
        ]
        if found:
            lines.append(f"{name:<12} {'  '.join(found)}")
    if lines:
        yield Text("\n".join(["95 % intervals (s)", *lines]))


def _split(report: Report) -> Iterator[RenderableType]:
    """Where the time went, app against model, the app's stages and the model's first token indented below them."""
    split = report.total.split
    if split is None:
        return
    table = _table("where the time went (ms)", "count", "mean", "p50", "p95", "p99", "share", gap=1)
    stages = dict(split.stages)
    model, first = stages.pop("model", None), stages.pop("model_ttft", None)
    stages.pop("total", None)
    rows = {"app": split.app, **{f"  {name}": stage for name, stage in stages.items()}}
    for name, stage in {**rows, "model": model, "  first token": first, "network and the rest": split.network}.items():
        if stage is not None:
            times = (_milliseconds(getattr(stage.time_s, column)) for column in ("mean", "p50", "p95", "p99"))
            table.add_row(name, f"{stage.time_s.count:,}", *times, _percent(stage.share))
    yield table


def _by(report: Report) -> Iterator[RenderableType]:
    yield _outcomes(report)
    for name, title in (("latency", "latency (s)"), ("ttft", "first token (s)")):
        table = _table(title, "count", "p50", "p95", "p99", "max")
        for part_name, part in _parts(report):
            spread: Spread = getattr(part, name)
            table.add_row(part_name, f"{spread.count:,}", *_columns(spread, "p50", "p95", "p99", "max"))
        yield table


def _outcomes(report: Report) -> RenderableType:
    table = _table(
        "outcome and cost", "sent", "busy", "ok", "throttled", "failed", "SLA", "tokens in", "out", "USD", gap=1
    )
    for name, part in _parts(report):
        funnel = part.funnel
        table.add_row(
            name,
            f"{funnel.sent:,}",
            _rate(concurrent(part, report)),
            f"{funnel.ok:,}",
            f"{funnel.throttled:,}",
            f"{funnel.failed:,}",
            _percent(part.rates.sla),
            f"{part.tokens.input:,}",
            f"{part.tokens.output:,}",
            usd(part.cost.measured, 4),
        )
    return table


def _parts(report: Report) -> Iterator[tuple[str, Figures]]:
    """By kind where there are several, by query type, then by model asked, under the short form of its name."""
    kinds = report.by.get("kind", {})
    if len(kinds) > 1:
        yield from ((f"kind={kind}", part) for kind, part in kinds.items())
    yield from report.by.get("query", {}).items()
    for model, part in report.by.get("model", {}).items():
        yield _short(model) or "(no model)", part


def _short(model: str) -> str:
    """`anthropic.claude-3-haiku-20240307-v1:0` as `claude-3-haiku`; summary.json has the whole name."""
    return _MODEL_NOISE.sub("", model.rsplit("/", 1)[-1].rsplit("anthropic.", 1)[-1])


def _advice(report: Report) -> Iterator[RenderableType]:
    if report.advice:
        yield Text(
            "\n".join(
                f"→ {advice.message}\n  {advice.change}: {advice.effect}\n  check: {advice.check}"
                for advice in report.advice
            )
        )


def _kept(report: Report) -> Iterator[RenderableType]:
    if report.kept:
        n_kept = sum(report.kept.values())
        yield Text(
            f"kept {_counted(n_kept, 'exchange')} to look at: fmload report {quote(report.directory)} --exchanges"
        )


def _table(first: str, *columns: str, gap: int = 2) -> Table:
    table = Table(box=None, padding=(0, gap, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True, min_width=16)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _columns(spread: Spread, *names: str) -> list[str]:
    return [_seconds(getattr(spread, name)) for name in names]


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if value < 1 else f"{value:.3f}"


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value * 1e3:,.2f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
