"""The run over time: what was asked against the plan, how it ended, what was in flight, and how long answers took."""

from __future__ import annotations

from collections.abc import Iterator

from loadtester.analysis.over_time import OverTime, Percentiles
from loadtester.model import Outcome
from loadtester.reporters.html.chart import Chart, Line, figure
from loadtester.reporters.html.markup import Markup, section, tag

_UNSENT = (Outcome.DROPPED, Outcome.CANCELLED)


def course(seen: OverTime) -> Markup:
    """All charts over time; a sentence where nothing is on record."""
    if not seen.planned or not (sum(seen.planned) or sum(seen.sent)):
        return section("time", "Over time", tag("p", "No second of the run is on record.", class_="empty"))
    return section("time", "Over time", tag("div", list(_charts(seen)), class_="charts"))


def _charts(seen: OverTime) -> Iterator[Markup]:
    yield from _percentiles("Latency", seen.latency)
    yield from _percentiles("Time to first token", seen.ttft)
    x = seen.start_s
    ok = _per_s(seen, Outcome.OK)
    throttled = _per_s(seen, Outcome.THROTTLED)
    known = (Outcome.OK, Outcome.THROTTLED, *_UNSENT)
    others = [outcome for outcome in seen.outcomes if outcome not in known]
    failed = [sum(column) / seen.width_s for column in zip(*(seen.outcomes[one] for one in others), strict=True)]
    planned, sent = ([number / seen.width_s for number in column] for column in (seen.planned, seen.sent))
    aside = f" Not the {seen.warmup:,} of the warm-up." if seen.warmup else ""
    yield figure(
        Chart(
            "Requests a second, against the plan",
            f"{sum(seen.planned):,} requests were planned and {sum(seen.sent):,} sent, at up to "
            f"{max(sent):,.1f} a second.{aside}",
            x,
            (
                Line("answered ok", ok, "good", is_filled=True),
                Line("sent", sent, "accent"),
                Line("planned", planned, "muted", is_dashed=True),
            ),
            "per_s",
        )
    )
    if any(throttled) or any(failed):
        lines = [Line("throttled", throttled, "throttled", is_filled=True)]
        if any(failed):
            lines.append(Line("failed otherwise", failed, "failed", is_dashed=True))
        says = (
            f"Up to {max(throttled):,.1f} requests a second were throttled, up to {max(failed, default=0):,.1f} failed."
        )
        yield figure(Chart("Throttled and failed, a second", says, x, lines, "per_s"))
    yield figure(
        Chart(
            "In flight",
            f"At most {max(seen.in_flight):,} requests waited for their answers at once"
            f"{', those of the warm-up included' if seen.warmup else ''}.",
            x,
            (Line("in flight", seen.in_flight, "third", is_filled=True),),
            "count",
        )
    )
    if any(seen.tokens_in) or any(seen.tokens_out):
        yield from _tokens(seen)


def _per_s(seen: OverTime, outcome: Outcome) -> list[float]:
    return [number / seen.width_s for number in seen.outcomes.get(outcome, (0,) * len(seen.planned))]


def _percentiles(name: str, over: Percentiles) -> Iterator[Markup]:
    if all(value is None for value in over.p50):
        return
    lines = [
        Line("p50", over.p50, "accent"),
        Line("p95", over.p95, "second", is_dashed=True),
        Line("p99", over.p99, "third"),
    ]
    shown = [line for line in lines if any(value is not None for value in line.values)]
    highest = max(value for value in shown[-1].values if value is not None)
    says = f"{name} by percentile in windows of {over.width_s} s; {shown[-1].label} reaches {highest:.3g} s."
    x = tuple(range(0, len(over.p50) * over.width_s, over.width_s))
    window = "" if over.width_s == 1 else f", windows of {over.width_s} s"
    yield figure(Chart(f"{name}{window}", says, x, shown, "s", is_log=_is_wide(shown)))


def _is_wide(lines: list[Line]) -> bool:
    """Whether the values span more than a factor of ten, so that even steps would hide the low ones."""
    values = [value for line in lines for value in line.values if value]
    return bool(values) and max(values) > 10 * min(values)


def _tokens(seen: OverTime) -> Iterator[Markup]:
    spent, usd = 0.0, []
    for one in seen.usd:
        spent += float(one)
        usd.append(spent)
    tokens_in, tokens_out = ([number / seen.width_s for number in one] for one in (seen.tokens_in, seen.tokens_out))
    per_s = (Line("in", tokens_in, "accent", is_dashed=True), Line("out", tokens_out, "second"))
    yield figure(
        Chart(
            "Tokens a second",
            f"{sum(seen.tokens_in):,} tokens in and {sum(seen.tokens_out):,} out in all.",
            seen.start_s,
            per_s,
            "tokens",
        )
    )
    if spent:
        says = f"The bill rose to ${spent:,.4f}."
        yield figure(
            Chart("Spent so far, USD", says, seen.start_s, (Line("USD", usd, "third", is_filled=True),), "usd")
        )
