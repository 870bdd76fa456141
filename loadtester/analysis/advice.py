"""What to do about what was found, the finding with most at stake first.

What is at stake is a part: of the requests that failed or came late, or of the bill that could be saved. A finding
says what to change and what that should bring, and names a command that would show it wrong.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from math import ceil
from typing import Final

from loadtester.analysis.bill_advice import advise_on_bill
from loadtester.analysis.figures import Totals
from loadtester.analysis.quotas.quota import ModelQuota, is_bundled
from loadtester.analysis.report import Advice, Report
from loadtester.cost import PriceTable

_SLA_TARGET: Final = 0.99
#: Part of the requests that is let pass.
_FEW: Final = 0.01
#: Failures that have advice of their own, or are nobody's fault.
_NOT_ERRORS: Final = ("throttled", "truncated", "timeout", "model_timeout", "dropped", "cancelled")
_CONNECT: Final = "give the target more connections to its model, or more tasks"
#: What to do first where no option of fmload's makes a difference: the command alone would find the same again.
_MEND: Final = "see the target's log and mend the cause there, then run it again"
#: A reservation is large where less than this part of it is used.
_USED: Final = 0.5
#: What a check needs nothing of: who watches, what is exported, what is printed; first what has no value.
_SILENT_SWITCHES: Final = ("--otel", "--otel-content", "-q", "--quiet", "--no-color")
_SILENT: Final = (
    "--prometheus", "--prometheus-remote-write", "--otel-endpoint", "--otel-sample", "--report", "--summary",
)  # fmt: skip
#: What is tried where the run's own limits are not on record.
_MANY_TOKENS: Final = 4_096
_LONG_S: Final = 120.0


def advise(report: Report, whole: Totals, prices: PriceTable) -> tuple[Advice, ...]:
    """Findings on a run that delivered its load; where as much is at stake, what breaks answers comes first."""
    rules = (_throttled, _errors, _truncated, _sla, _timeouts)
    failing = chain.from_iterable(rule(report) for rule in rules)
    found = chain(failing, advise_on_bill(report, whole, prices, _place(report)), _held(report))
    return tuple(sorted(found, key=lambda advice: -advice.at_stake))


def _share(report: Report, count: int) -> float:
    return count / report.total.funnel.sent if report.total.funnel.sent else 0.0


def _place(report: Report) -> str:
    """The run's directory, for a command."""
    return shlex.quote(report.directory)


def _again(report: Report, *changes: str) -> str:
    """The run's own command with `changes`, an option and its value in turn, in the place of what it said of them.

    A run that was not started by `fmload run` has no command that could be named.
    """
    command = report.manifest.get("command")
    if command is None:
        return f"fmload run (as before) {shlex.join(changes)}".rstrip()
    words = [*_without(map(str, command), (*changes[::2], *_SILENT)), *changes]
    return shlex.join(["fmload", "run", *words])


def _without(words: Iterable[str], valued: Collection[str]) -> Iterator[str]:
    """A command's words without the options `valued`, the values that follow them, and switches that only tell."""
    left = iter(words)
    for word in left:
        if word in valued:
            next(left, None)
        elif word.partition("=")[0] not in valued and word not in _SILENT_SWITCHES:
            yield word


def _fastest(report: Report) -> tuple[str, ...]:
    """The model of the run that answers soonest, to ask it alone; none where there is but one."""
    p50_s = {model: part.latency.p50 for model, part in report.by["model"].items() if model and part.latency.p50}
    return ("--model", min(p50_s, key=lambda model: p50_s[model])) if len(p50_s) > 1 else ()


def _shorter(report: Report) -> tuple[str, ...]:
    """Answers of half their length at most."""
    mean = report.total.tokens.output / report.total.funnel.ok if report.total.funnel.ok else 0
    return ("--max-tokens", str(max(1, round(mean / 2))))


def _throttled(report: Report) -> Iterator[Advice]:
    """The four rules' first: throttles. A reservation that answers leave unused is told apart from plain demand."""
    funnel = report.total.funnel
    if not funnel.throttled:
        return
    model, worst = max(report.by["model"].items(), key=lambda item: item[1].funnel.throttled)
    evidence: dict[str, float | int | str] = {
        "throttled": funnel.throttled,
        "model": model,
        "on_model": worst.funnel.throttled,
    }
    change = "ask for more quota, lower max_tokens (it is reserved in full) or spread the peak"
    effect, check = "fewer refusals", _again(report, *_shorter(report))
    known = report.quota.by_model.get(model) if report.quota else None
    if known is not None and known.reserved_mean and known.used_mean and known.needed_tokens_per_minute:
        evidence |= {
            "reserved_mean": known.reserved_mean,
            "used_mean": known.used_mean,
            "needed_tokens_per_minute": known.needed_tokens_per_minute,
        }
        change, effect, check = _way_out(
            known, known.reserved_mean, known.used_mean, known.needed_tokens_per_minute, report
        )
    yield Advice(
        "throttled",
        f"{funnel.throttled:,} requests were throttled ({report.total.rates.throttle_rate or 0:.1%}), "
        f"{worst.funnel.throttled:,} of them on {model}",
        change,
        effect,
        evidence,
        check,
        _share(report, funnel.throttled),
    )


def _way_out(known: ModelQuota, reserved: float, used: float, needed: float, report: Report) -> tuple[str, str, str]:
    """Change, effect and check for one throttled model: a smaller reservation where that is enough, else more quota."""
    limit = known.inferred.per_minute if known.inferred is not None and known.inferred.unit == "tokens" else None
    limit = limit or known.stated_tokens_per_minute
    fits = 64 * ceil((known.output_p99 or 0) / 64) or 64
    asked = known.asked_tokens_per_minute or needed
    # The busiest minute's calls would fit if they held no more than they use: what is held makes the difference.
    if limit is not None and used < _USED * reserved and needed > limit >= asked:
        return (
            f"lower --max-tokens to {fits:,}, which 99 % of the answers keep within",
            f"a call reserves {reserved:,.0f} tokens and uses {used:,.0f}: what is held for nothing becomes free",
            _again(report, "--max-tokens", str(fits)),
        )
    digit = 10 ** max(0, len(str(round(needed))) - 2)
    quota = ceil(needed / digit) * digit
    scaled = "" if known.scaled_from_s is None else f", scaled to a minute from {known.scaled_from_s:.0f} s"
    is_ours = is_bundled(report.manifest["scenario"])
    how = "" if is_ours else f" (fmload cost {_place(report)} --quota-request)"
    return (
        f"ask for {quota:,} tokens a minute{how}, or spread the peak" + ("" if is_ours else ", then run it again"),
        f"the busiest minute's calls use and hold {needed:,.0f}{scaled}"
        + (f"; the limit is {limit:,.0f}" if limit is not None else ""),
        _again(report, *(("--tokens-per-minute", str(quota)) if is_ours else ())),
    )


def _errors(report: Report) -> Iterator[Advice]:
    told = [failure for failure in report.failures if failure.outcome not in _NOT_ERRORS]
    count = sum(failure.count for failure in told)
    if _share(report, count) <= _FEW:
        return
    worst = told[0]
    reason = worst.detail.removeprefix(f"{worst.outcome}: ")
    is_ours = is_bundled(report.manifest["scenario"])
    is_pool = any(word in worst.detail.lower() for word in ("pool", "connection", "checkout"))
    yield Advice(
        "errors",
        f"{count:,} requests failed; most often, {worst.count:,} times, {worst.outcome}: {reason}",
        _MEND if not is_pool else _CONNECT if is_ours else f"{_CONNECT}, then run it again",
        f"up to {_share(report, count):.1%} more of the requests are answered",
        {"errors": count, "outcome": worst.outcome, "detail": worst.detail, "count": worst.count},
        _again(report, *(("--model-connections", "400") if is_pool and is_ours else ())),
        _share(report, count),
    )


def _truncated(report: Report) -> Iterator[Advice]:
    share = _share(report, report.total.funnel.truncated)
    if share <= _FEW:
        return
    limit = int(report.manifest["scenario"].get("max_tokens") or 0)
    yield Advice(
        "truncated",
        f"{report.total.funnel.truncated:,} answers were cut at max_tokens ({limit:,}): paid for, and of little use",
        "raise --max-tokens, or write prompts that ask for less",
        f"{share:.1%} of the requests get a whole answer",
        {"truncated": report.total.funnel.truncated, "max_tokens": limit},
        _again(report, "--max-tokens", str(2 * limit or _MANY_TOKENS)),
        share,
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
    knees = report.quota.knees if report.quota else None
    if knees is not None and knees.latency is not None:
        blame += f"; {knees.words}"
    yield Advice(
        "sla",
        f"{rates.sla:.1%} of the requests got a good answer within {slo_s:g} s, under {_SLA_TARGET:.0%}: {why}{blame}",
        "shorter answers, or a faster model" if late else "mend what makes them fail, then run it again",
        f"up to {late / finished:.1%} more of the requests come in time" if late else "as the other findings say",
        {"sla": rates.sla, "target": _SLA_TARGET, "slo_s": slo_s, "late": late},
        _again(report, *((_fastest(report) or _shorter(report)) if late else ())),
        late / finished,
    )


def _timeouts(report: Report) -> Iterator[Advice]:
    funnel = report.total.funnel
    count = funnel.timeout + funnel.model_timeout
    if not count:
        return
    limit_s = float((report.manifest["scenario"].get("load") or {}).get("timeout_s") or 0)
    yield Advice(
        "timeouts",
        f"{count:,} requests timed out ({funnel.timeout:,} at the client's limit, "
        f"{funnel.model_timeout:,} at the model's)",
        "find out whether they finish at all, then wait longer or ask for less",
        f"up to {_share(report, count):.1%} more of the requests are answered",
        {"timeout": funnel.timeout, "model_timeout": funnel.model_timeout},
        _again(report, "--timeout", f"{2 * limit_s or _LONG_S:g}s"),
        _share(report, count),
    )


def _held(report: Report) -> Iterator[Advice]:
    share = _share(report, report.total.held)
    if share <= _FEW:
        return
    yield Advice(
        "held",
        f"{report.total.held:,} follow-up turns had to wait for the answer before",
        "answer faster, or show the answer as it is written: users are ready before it is there",
        f"{share:.1%} of the requests start when their user wants",
        {"held": report.total.held},
        _again(report, *(_fastest(report) or _shorter(report))),
        share,
    )
