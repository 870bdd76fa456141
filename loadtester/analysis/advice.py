"""What to do about what was found: the four rules that MangaAssist's team acts on."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from loadtester.analysis.report import Advice, Report

_SLA_TARGET = 0.99
#: Part of the requests that is let pass.
_FEW = 0.01
#: Failures that have advice of their own, or are nobody's fault.
_NOT_ERRORS = ("throttled", "truncated", "timeout", "model_timeout", "dropped", "cancelled")
_MONTHLY_USD = Decimal(50_000)


def advise(report: Report) -> tuple[Advice, ...]:
    """Findings on a run that delivered its load, the costliest for users first."""
    return (
        *_throttled(report),
        *_errors(report),
        *_truncated(report),
        *_sla(report),
        *_timeouts(report),
        *_bill(report),
    )


def _throttled(report: Report) -> Iterator[Advice]:
    funnel = report.total.funnel
    if not funnel.throttled:
        return
    worst = max(report.by["model"].items(), key=lambda item: item[1].funnel.throttled)
    yield Advice(
        "throttled",
        f"{funnel.throttled:,} requests were throttled ({report.total.rates.throttle_rate:.1%}), "
        f"{worst[1].funnel.throttled:,} of them on {worst[0]}: ask for more quota, lower max_tokens "
        "(it is reserved in full) or spread the peak",
        {"throttled": funnel.throttled, "model": worst[0], "on_model": worst[1].funnel.throttled},
        "fmload run with a lower --max-tokens",
    )


def _errors(report: Report) -> Iterator[Advice]:
    funnel = report.total.funnel
    told = [failure for failure in report.failures if failure.outcome not in _NOT_ERRORS]
    count = sum(failure.count for failure in told)
    if not funnel.sent or count / funnel.sent <= _FEW:
        return
    worst = told[0]
    yield Advice(
        "errors",
        f"{count:,} requests failed; most often, {worst.count:,} times, {worst.outcome}: {worst.detail}",
        {"errors": count, "outcome": worst.outcome, "detail": worst.detail, "count": worst.count},
        "the target's own log at that time; then the same fmload run again",
    )


def _truncated(report: Report) -> Iterator[Advice]:
    funnel = report.total.funnel
    if not funnel.sent or funnel.truncated / funnel.sent <= _FEW:
        return
    max_tokens = report.manifest["scenario"].get("max_tokens")
    yield Advice(
        "truncated",
        f"{funnel.truncated:,} answers were cut at max_tokens ({max_tokens}): paid for, and of little use",
        {"truncated": funnel.truncated, "max_tokens": max_tokens or 0},
        "fmload run with a higher --max-tokens, or prompts that ask for less",
    )


def _sla(report: Report) -> Iterator[Advice]:
    rates, funnel = report.total.rates, report.total.funnel
    if rates.sla is None or rates.sla >= _SLA_TARGET:
        return
    finished = funnel.sent - funnel.cancelled_in_flight - funnel.unanswered
    late = funnel.ok - round(rates.sla * finished)
    slo_s = report.manifest["scenario"]["judge"]["slo_s"]
    slow = [name for name, part in report.by["query"].items() if part.latency.p50 and part.latency.p50 > slo_s]
    why = f"{late:,} good answers came later" if late else "the others failed"
    blame = f"; half of {', '.join(slow)} takes longer than that" if slow else ""
    yield Advice(
        "sla",
        f"{rates.sla:.1%} of the requests got a good answer within {slo_s:g} s, under {_SLA_TARGET:.0%}: {why}{blame}",
        {"sla": rates.sla, "target": _SLA_TARGET, "slo_s": slo_s, "late": late},
        "fmload run with shorter answers or a faster --model" if late else "what makes them fail; see above",
    )


def _timeouts(report: Report) -> Iterator[Advice]:
    funnel = report.total.funnel
    count = funnel.timeout + funnel.model_timeout
    if count:
        yield Advice(
            "timeouts",
            f"{count:,} requests timed out ({funnel.timeout:,} at the client's limit, "
            f"{funnel.model_timeout:,} at the model's)",
            {"timeout": funnel.timeout, "model_timeout": funnel.model_timeout},
            "fmload run with a higher --timeout: do they finish at all?",
        )


def _bill(report: Report) -> Iterator[Advice]:
    monthly = report.total.cost.monthly
    if monthly is None or monthly <= _MONTHLY_USD:
        return
    dearest = max(report.by["query"].items(), key=lambda item: item[1].cost.run or 0)
    run = report.total.cost.run or Decimal(1)
    yield Advice(
        "bill",
        f"the month is projected at ${monthly:,.0f}, over ${_MONTHLY_USD:,}; "
        f"{dearest[0]} makes {(dearest[1].cost.run or 0) / run:.0%} of the bill",
        {"monthly_usd": str(monthly), "query": dearest[0]},
        "fmload run with --max-tokens lower, or with that query type on a cheaper model",
    )
