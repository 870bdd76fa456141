"""The same figures by query type, by model and by kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loadtester.analysis import Figures, Report
from loadtester.analysis.concurrency import concurrent
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Child, Markup, section, table, tag

_TITLES = {"query": "By query type", "model": "By model asked", "kind": "By kind"}
_HEAD = (
    "",
    "sent",
    "in flight",
    "ok",
    "throttled",
    "failed",
    "SLA",
    "latency p50 to p99",
    "p50",
    "p95",
    "p99",
    "first token p95",
    "USD",
)
#: A bar of latencies, in its own units.
_LENGTH = 120


def parts(report: Report) -> Markup | None:
    """A table a dimension; a dimension with one value says nothing new and is left out, but for query types."""
    shown = [
        tag("div", tag("h3", _TITLES[name]), table(_TITLES[name], _HEAD, _rows(name, found, report)))
        for name, found in report.by.items()
        if name in _TITLES and (len(found) > 1 or (name == "query" and found))
    ]
    return section("parts", "By query type and model", *shown) if shown else None


def _rows(dimension: str, found: Mapping[str, Figures], report: Report) -> Iterator[tuple[Child, ...]]:
    longest_s = max((_end_s(part) for part in found.values()), default=0.0)
    for name, part in found.items():
        funnel = part.funnel
        yield (
            amounts.short(name) if dimension == "model" else name,
            amounts.count(funnel.sent),
            amounts.rate(concurrent(part, report)),
            amounts.count(funnel.ok),
            amounts.count(funnel.throttled),
            amounts.count(funnel.failed),
            amounts.percent(part.rates.sla),
            _whiskers(part, longest_s),
            *(amounts.seconds(value) for value in (part.latency.p50, part.latency.p95, part.latency.p99)),
            amounts.seconds(part.ttft.p95),
            amounts.usd(part.cost.measured, 4),
        )


def _end_s(part: Figures) -> float:
    return part.latency.p99 or part.latency.p95 or part.latency.p50 or 0.0


def _whiskers(part: Figures, longest_s: float) -> Markup | None:
    """A line from p50 to the last percentile known, a stroke at p50 and one at p95."""
    if part.latency.p50 is None or not longest_s:
        return None
    at = {name: getattr(part.latency, name) for name in ("p50", "p95", "p99")}
    places = {name: 4 + (_LENGTH - 8) * value / longest_s for name, value in at.items() if value is not None}
    line = tag(
        "line", x1=f"{places['p50']:.1f}", x2=f"{max(places.values()):.1f}", y1="8", y2="8", class_="stroke-muted"
    )
    dots = [
        tag("circle", cx=f"{x:.1f}", cy="8", r="4", class_=f"fill-{'accent' if name == 'p50' else 'second'}")
        for name, x in places.items()
        if name != "p99"
    ]
    return tag("svg", line, *dots, class_="whiskers", viewBox=f"0 0 {_LENGTH} 16", aria_hidden="true")
