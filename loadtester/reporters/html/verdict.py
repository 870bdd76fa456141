"""The top of the page: which run, whether it can be believed, and what came out, in a sentence and in six figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadtester.analysis import Report
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Markup, join, section, tag

#: A sign beside the word and its colour: nobody has to tell colours apart.
_SIGNS: Final = {"valid": "✓", "suspect": "!", "invalid": "✕"}


def header(report: Report) -> Markup:
    """The run's name, and what it was."""
    manifest = report.manifest
    plan = manifest["plan"]
    what = (
        f"up to {amounts.count(plan['users'])} users"
        if manifest.get("model") == "closed"
        else f"{amounts.count(plan['requests'])} request{'' if plan['requests'] == 1 else 's'}"
    )
    return tag(
        "header",
        tag("p", "fmload report", class_="eyebrow"),
        tag("h1", str(manifest["name"])),
        tag(
            "p",
            f"{manifest['pattern']}, {what} in {plan['duration_s']:g} s over {manifest['protocol']} "
            f"to {manifest['target']}",
            class_="lead",
        ),
        tag("p", f"{manifest['started_at'][:19].replace('T', ' ')} · {manifest['id']}", class_="quiet"),
        tag("ul", (tag("li", f"{key}={value}") for key, value in _tags(report).items()), class_="tags")
        if _tags(report)
        else None,
    )


def verdict(report: Report) -> Markup:
    """Valid, suspect or invalid, and why; then what came out."""
    found = report.validity.verdict
    reasons = sorted(report.validity.reasons, key=lambda reason: reason.verdict != found)
    status = report.manifest.get("status")
    said = [str(report.manifest[key]) for key in ("error", "stopped_by") if report.manifest.get(key)]
    if status != "complete":
        killed = "killed, or is still running" if status == "running" else str(status)
        said.insert(0, f"Partial: the run was {killed}.")
    return section(
        "verdict",
        "Verdict",
        tag(
            "p",
            tag("span", _SIGNS[found], class_="sign", aria_hidden="true"),
            tag("strong", f"{found.capitalize()} measurement"),
            tag("span", f" {sentence(report)}"),
            class_=f"verdict {found}",
        ),
        tag("ul", (tag("li", text) for text in [*said, *(reason.message for reason in reasons)]), class_="reasons")
        if said or reasons
        else None,
        tag("dl", _tiles(report), class_="tiles"),
    )


def sentence(report: Report) -> str:
    """What came out, for people."""
    rates, funnel, judge = report.total.rates, report.total.funnel, report.manifest["scenario"]["judge"]
    if not funnel.sent:
        return f"Of {funnel.planned:,} planned requests none was sent."
    if rates.sla is None:
        return f"{funnel.sent:,} requests were sent, and none had ended."
    parts = [f"{rates.sla:.1%} of {funnel.sent:,} requests had a good answer within {judge['slo_s']:g} s"]
    if rates.throttle_rate:
        parts.append(f"{rates.throttle_rate:.1%} were throttled")
    if rates.error_rate:
        parts.append(f"{rates.error_rate:.1%} failed")
    return f"{'; '.join(parts)}."


def _tags(report: Report) -> dict[str, object]:
    return dict((report.manifest["scenario"].get("output") or {}).get("tags") or {})


def _tiles(report: Report) -> Iterator[Markup]:
    total, judge = report.total, report.manifest["scenario"]["judge"]
    latency, ttft, cost = total.latency, total.ttft, total.cost
    yield _tile("Good answers", amounts.percent(total.rates.sla), f"ok within {judge['slo_s']:g} s, of all sent")
    yield _tile(
        "Latency p95",
        amounts.seconds(latency.p95),
        f"p50 {amounts.seconds(latency.p50)}, p99 {amounts.seconds(latency.p99)}",
    )
    yield _tile("First token p95", amounts.seconds(ttft.p95), f"p50 {amounts.seconds(ttft.p50)}")
    yield _tile(
        "Goodput",
        f"{amounts.rate(total.rates.goodput_per_s)}/s",
        f"of {amounts.rate(total.rates.offered_per_s)}/s offered",
    )
    yield _tile(
        "Throttled",
        amounts.percent(total.rates.throttle_rate),
        f"other failures {amounts.percent(total.rates.error_rate)}",
    )
    month = f"{amounts.usd(cost.monthly, 0)} a month" if cost.monthly is not None else "no projection"
    yield _tile("This run cost", amounts.usd(cost.run), month)


def _tile(name: str, figure: str, note: str) -> Markup:
    return tag("div", tag("dt", name), join(tag("dd", figure, class_="figure"), tag("dd", note, class_="quiet")))
