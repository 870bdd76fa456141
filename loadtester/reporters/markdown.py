"""A night as Markdown, for the summary of a CI job: the verdict first, then scenarios, failures, changes and money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadtester.analysis.comparison.found import Row
from loadtester.analysis.comparison.night import (
    Night,
    Result,
    complaints,
    held_against,
    night_usd,
    spent_usd,
    uncompared,
)
from loadtester.analysis.concurrency import concurrent
from loadtester.analysis.report import Figures, Report, ThresholdResult
from loadtester.reporters.unit_text import unit_text
from loadtester.scenario.units import duration_text

#: What Markdown, HTML or a table's cell would make something of.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|#~$!])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\s]+")
_KINDS: Final = {"ai": "AI", "crud": "CRUD"}


def night_markdown(night: Night) -> str:
    """The whole page; ends with a line end."""
    parts = [
        _verdict(night),
        _scenarios(night),
        _kinds(night),
        _failures(night),
        _thresholds(night),
        _comparisons(night),
        _money(night),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _verdict(night: Night) -> Iterator[str]:
    failed = [result.name for result in night.results if result.has_failed]
    ran = sum(result.report is not None for result in night.results)
    word = f"failed: {', '.join(map(_plain, failed))}" if failed else "passed"
    yield f"## fmload nightly {_plain(night.suite)}: {word}"
    yield ""
    yield (
        f"{ran} of {len(night.results)} scenarios ran in {duration_text(round(night.elapsed_s))}, from "
        f"{night.started_at:%Y-%m-%d %H:%M} UTC on; exit code {night.exit_code}."
    )


def _scenarios(night: Night) -> Iterator[str]:
    yield from _table(
        ("scenario", "verdict", "validity", "requests", "p95", "first token p95", "throttled", "errors", "SLA", "cost"),
        (_scenario(result) for result in night.results),
        left=3,
    )


def _scenario(result: Result) -> tuple[str, ...]:
    report = result.report
    if report is None:
        return (_plain(result.name), _word(result), *("–",) * 8)
    total = report.total
    return (
        _plain(result.name),
        _word(result),
        report.validity.verdict,
        f"{total.funnel.sent:,}",
        unit_text(total.latency.p95, "s"),
        unit_text(total.ttft.p95, "s"),
        unit_text(total.rates.throttle_rate, "share"),
        unit_text(total.rates.error_rate, "share"),
        unit_text(total.rates.sla, "share"),
        _usd(report),
    )


def _word(result: Result) -> str:
    if result.report is None:
        return "**did not run**" if result.has_failed else "not run"
    if result.has_failed:
        return "**failed**"
    return "over its limits (no gate)" if result.is_excused else "passed"


def _kinds(night: Night) -> Iterator[str]:
    """Plain requests and those to a model apart, where a scenario has both."""
    rows = [
        (_plain(result.name), *_kind(kind, part, result.report))
        for result in night.results
        if result.report is not None and len(result.report.by.get("kind", {})) > 1
        for kind, part in result.report.by["kind"].items()
    ]
    if rows:
        yield "### CRUD and AI"
        yield ""
        header = ("scenario", "kind", "requests", "concurrent", "p50", "p95", "throttled", "errors", "cost")
        yield from _table(header, rows, left=2)


def _kind(kind: str, part: Figures, report: Report) -> tuple[str, ...]:
    busy = concurrent(part, report)
    return (
        _KINDS.get(kind, _plain(kind)),
        f"{part.funnel.sent:,}",
        "–" if busy is None else f"{busy:.2f}",
        unit_text(part.latency.p50, "s"),
        unit_text(part.latency.p95, "s"),
        unit_text(part.rates.throttle_rate, "share"),
        unit_text(part.rates.error_rate, "share"),
        unit_text(None if part.cost.measured is None else float(part.cost.measured), "usd"),
    )


def _failures(night: Night) -> Iterator[str]:
    said = [(result, list(complaints(result))) for result in night.results]
    if any(texts for _, texts in said):
        yield "### What to look at"
        yield ""
    for result, texts in said:
        for text in texts:
            yield f"- {_plain(result.name)}: {_plain(text)}"


def _thresholds(night: Night) -> Iterator[str]:
    rows = [
        (
            _plain(result.name),
            _plain(one.expression),
            unit_text(one.value, one.unit),
            unit_text(one.limit, one.unit),
            _limit(one),
        )
        for result in night.results
        if result.report is not None
        for one in result.report.thresholds
        if one.verdict != "pass"
    ]
    if rows:
        yield "### Thresholds"
        yield ""
        yield from _table(("scenario", "threshold", "value", "limit", "verdict"), rows, left=2)


def _limit(result: ThresholdResult) -> str:
    word = {"fail": "**failed**", "no_data": "**no data**", "too_close": "too close to call"}[result.verdict]
    return word if result.verdict == "too_close" or not result.reason else f"{word}: {_plain(result.reason)}"


def _comparisons(night: Night) -> Iterator[str]:
    compared = [result for result in night.results if result.comparison is not None]
    rows = [
        (_plain(result.name), *_row(row))
        for result in compared
        if result.comparison is not None
        for row in result.comparison.rows
        if row.verdict in ("worse", "better")
    ]
    if rows:
        yield "### Against the last good run"
        yield ""
        yield from _table(("scenario", "figure", "before", "now", "difference", "verdict"), rows, left=2)
    elif compared:
        yield "Nothing is clearly better or worse than in the last good run."
    if compared:
        yield ""
        yield f"- compared: {', '.join(map(_plain, held_against(night)))}"
    for text in uncompared(night):
        yield f"- not compared: {_plain(text)}"


def _row(row: Row) -> tuple[str, ...]:
    unit = row.measure.unit
    share = "–" if row.relative is None else f"{row.relative:+.1%}"
    verdict = f"**{row.verdict}**" if row.verdict == "worse" else row.verdict
    return (row.measure.name, unit_text(row.base, unit), unit_text(row.new, unit), share, verdict)


def _money(night: Night) -> Iterator[str]:
    reports = [result.report for result in night.results if result.report is not None]
    if not reports:
        return
    unpriced = sum(spent_usd(report) is None for report in reports)
    more = f"; {unpriced} of the runs used a model without a known price" if unpriced else ""
    tables = sorted({report.total.cost.price_table for report in reports if report.total.cost.price_table})
    prices = f" Prices: {_plain('; '.join(tables))}." if tables else ""
    yield f"The night cost \\${night_usd(night):,.2f}{more}.{prices}"


def _usd(report: Report) -> str:
    usd = spent_usd(report)
    return "–" if usd is None else f"${usd:,.4f}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, left: int) -> Iterator[str]:
    """A table whose first `left` columns are text, the others figures."""
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join(('---' if column < left else '---:') for column in range(len(header)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line; a URL in it becomes no link."""
    return _SPECIAL.sub(r"\\\1", _CONTROL.sub(" ", text)).strip()
