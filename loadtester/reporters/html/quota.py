"""Quotas: what each model's calls used of the limits, and which limit was met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loadtester.analysis import Report
from loadtester.analysis.quotas.quota import Course, ModelQuota
from loadtester.reporters.html import amounts
from loadtester.reporters.html.chart import Chart, Line, figure
from loadtester.reporters.html.funnel import bar
from loadtester.reporters.html.markup import Child, Markup, section, table, tag

_HEAD = (
    "model",
    "calls",
    "admitted",
    "throttled",
    "busiest minute used",
    "reserved",
    "stated limit",
    "used of it",
    "",
    "inferred limit",
)

_OVER = (
    "More than 100 %, where the bar ends: on top of what a minute adds, the busiest one spent what had been saved up, "
    "a full bucket or the rest of a fixed minute."
)


def quota(report: Report) -> Markup | None:
    """Use against limits by model, when throttling began, and the course of what was let in; nothing without calls."""
    found = report.quota
    if found is None:
        return None
    words = found.knees.words
    return section(
        "quota",
        "Quota",
        tag("p", f"{words[:1].upper()}{words[1:]}."),
        table("Tokens a minute against the limits", _HEAD, [_row(*one) for one in found.by_model.items()]),
        tag("p", _OVER, class_="quiet") if any(_used(one) > 1 for one in found.by_model.values()) else None,
        tag("ul", (tag("li", text) for text in _began(found.by_model)), class_="quiet")
        if any(one.began for one in found.by_model.values())
        else None,
        tag(
            "div",
            (_course(model, one.course) for model, one in found.by_model.items() if one.throttled),
            class_="charts",
        ),
    )


def _used(one: ModelQuota) -> float:
    """The part of the stated limit that the busiest minute took; 0 where none is known."""
    return 0.0 if one.headroom is None else 1 - one.headroom


def _row(model: str, one: ModelQuota) -> tuple[Child, ...]:
    used = None if one.headroom is None else _used(one)
    inferred = one.inferred
    return (
        amounts.short(model),
        amounts.count(one.offered),
        amounts.count(one.admitted),
        amounts.count(one.throttled),
        amounts.count(one.busiest.used_tokens),
        amounts.count(one.busiest.reserved_tokens),
        amounts.count(one.stated_tokens_per_minute),
        amounts.percent(used),
        None if used is None else bar(used, "throttled" if one.throttled else "accent"),
        amounts.NOTHING
        if inferred is None
        else f"{inferred.per_minute:,.0f} {inferred.unit}/min ({inferred.low:,.0f} – {inferred.high:,.0f})",
    )


def _began(by_model: Mapping[str, ModelQuota]) -> Iterator[str]:
    for model, one in by_model.items():
        if one.began is not None:
            yield (
                f"{amounts.short(model)}: first refused at {one.began.at_s:.1f} s, at {one.began.offered_per_s:,.1f} "
                f"calls a second; the minute before had reserved {one.began.reserved_tokens:,.0f} tokens and used "
                f"{one.began.used_tokens:,.0f}."
                + (f" {one.retried:,} got in on a later attempt: no limit is inferred." if one.retried else "")
            )


def _course(model: str, course: Course) -> Markup:
    def per_s(counts: tuple[int, ...]) -> list[float]:
        return [number / course.width_s for number in counts]

    x = [i * course.width_s for i in range(len(course.offered))]
    says = (
        f"Of {sum(course.offered):,} calls {sum(course.admitted):,} were admitted, {sum(course.throttled):,} throttled."
    )
    return figure(
        Chart(
            f"Calls a second to {amounts.short(model)}",
            says,
            x,
            (
                Line("offered", per_s(course.offered), "muted", is_dashed=True),
                Line("admitted", per_s(course.admitted), "accent"),
                Line("throttled", per_s(course.throttled), "throttled", is_filled=True),
            ),
            "per_s",
        )
    )
