"""Where every planned request went: a bar a stage, and the failures' own words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from loadtester.analysis import Report
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Child, Markup, join, section, table, tag

_BEFORE: Final = ("warmup", "planned", "dropped", "cancelled", "unfinished", "sent")
_ALWAYS: Final = ("planned", "sent", "ok")
_COLOURS: Final = {"planned": "muted", "sent": "accent", "ok": "good", "throttled": "throttled", "dropped": "muted"}
_WORDS: Final = {
    "warmup": "warm-up, in no figure below",
    "planned": "planned",
    "dropped": "dropped: too many in flight",
    "cancelled": "cancelled before sending",
    "unfinished": "due, never sent",
    "sent": "sent",
    "cancelled_in_flight": "cancelled in flight",
    "unanswered": "in flight when it ended",
    "model_timeout": "model's timeout",
    "server_error": "server error",
    "client_error": "client error",
}


def funnel(report: Report) -> Markup:
    """The funnel, whose sums add up, and what was said of failures."""
    counts = asdict(report.total.funnel)
    counts = {"warmup": counts.pop("warmup"), **counts}
    most = max(counts["planned"], counts["sent"], 1)
    rows = [_row(name, number, most) for name, number in counts.items() if number or name in _ALWAYS]
    good = round((report.total.rates.sla or 0) * _finished(counts))
    if counts["ok"]:
        rows.insert(
            next(i for i, row in enumerate(rows) if row[0] == "ok") + 1,
            ("ok within the SLO", amounts.count(good), amounts.percent(good / most), bar(good / most, "good")),
        )
    return section(
        "funnel",
        "Where every request went",
        table("From planned to ok", ("stage", "requests", "of planned", "share"), rows),
        _failures(report),
        _notes(report),
    )


def bar(share: float, colour: str) -> Markup:
    """A bar of this length; the figure stands beside it."""
    rect = tag("rect", width=f"{100 * min(1.0, share):.2f}", height="10", class_=f"fill-{colour}")
    return tag("svg", rect, class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")


def _finished(counts: dict[str, int]) -> int:
    return counts["sent"] - counts["cancelled_in_flight"] - counts["unanswered"]


def _row(name: str, number: int, most: int) -> tuple[Child, ...]:
    share = number / most
    colour = _COLOURS.get(name, "muted" if name in _BEFORE else "failed")
    # The warm-up is no part of what was planned to be measured.
    percent = "" if name == "warmup" else amounts.percent(share)
    return _WORDS.get(name, name), amounts.count(number), percent, bar(share, colour)


def _failures(report: Report) -> Markup | None:
    said = [failure for failure in report.failures if failure.detail]
    if not said:
        return None
    rows = [
        (
            failure.outcome.replace("_", " "),
            amounts.count(failure.count),
            failure.detail.removeprefix(f"{failure.outcome}: "),
        )
        for failure in said
    ]
    title = "What was said of failures"
    return join(tag("h3", title), table(title, ("outcome", "requests", "reason"), rows))


def _notes(report: Report) -> Markup | None:
    total = report.total
    said = [
        f"{other.count:,} requests for {amounts.short(other.asked)} had answers of {amounts.short(other.answered_by)}."
        for other in total.fallbacks
    ]
    if total.cache is not None:
        said.append(
            f"{total.cache.rate:.1%} of the ok answers came from the target's cache: {total.cache.exact:,} exact, "
            f"{total.cache.semantic:,} semantic."
        )
    if total.attempts is not None:
        said.append(
            f"{total.attempts.total:,} attempts: {total.attempts.retried:,} throttled requests were tried again."
        )
    if total.held:
        said.append(f"{total.held:,} follow-up turns waited for the answer before.")
    if total.reconnects:
        said.append(f"{total.reconnects:,} connections were opened anew in the middle of a conversation.")
    return tag("ul", (tag("li", text) for text in said), class_="quiet") if said else None
