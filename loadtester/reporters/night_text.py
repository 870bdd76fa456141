"""A night as plain text, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from loadtester.analysis.report import Figures, Report
from loadtester.reporters.unit_text import unit_text
from loadtester.scenario.units import duration_text

_HEADER = ("scenario", "", "requests", "busy", "p95", "ttft p95", "throttled", "errors", "cost")


def night_text(night: Night) -> str:
    """The whole page; ends with a line end."""
    rows: list[tuple[str, ...]] = [_HEADER]
    for result in night.results:
        rows += _rows(result)
    failed = [result.name for result in night.results if result.has_failed]
    lines = [f"nightly {night.suite}: {'FAILED: ' + ', '.join(failed) if failed else 'passed'}", ""]
    lines += columns(rows, left=2)
    said = [f"{result.name}: {text}" for result in night.results for text in complaints(result)]
    compared = list(held_against(night))
    said += [f"compared with the last good run: {', '.join(compared)}"] if compared else []
    said += [f"not compared: {text}" for text in uncompared(night)]
    lines += ["", *said] if said else []
    took = duration_text(round(night.elapsed_s))
    lines += ["", f"{took}, ${night_usd(night):,.2f}, exit code {night.exit_code}"]
    return "\n".join(lines) + "\n"


def columns(rows: Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    """The rows in columns, the first `left` of them flush left, figures flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _rows(result: Result) -> Iterator[tuple[str, ...]]:
    """The scenario, and where it asked models and plain requests, each kind below it."""
    report = result.report
    if report is None:
        yield (result.name, "not run", *[""] * 7)
        return
    usd = spent_usd(report)
    figures = _figures(report.total, report)
    cost = "–" if usd is None else f"${usd:,.4f}"
    yield (result.name, "FAILED" if result.has_failed else "no gate" if result.is_excused else "passed", *figures, cost)
    kinds = report.by.get("kind", {})
    if len(kinds) > 1:
        for kind, part in kinds.items():
            bill = "–" if part.cost.measured is None else f"${part.cost.measured:,.4f}"
            yield (f"  {kind}", "", *_figures(part, report), bill)


def _figures(part: Figures, report: Report) -> tuple[str, ...]:
    busy = concurrent(part, report)
    return (
        f"{part.funnel.sent:,}",
        "–" if busy is None else f"{busy:.2f}",
        unit_text(part.latency.p95, "s"),
        unit_text(part.ttft.p95, "s"),
        unit_text(part.rates.throttle_rate, "share"),
        unit_text(part.rates.error_rate, "share"),
    )
