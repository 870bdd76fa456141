"""Thresholds: each limit, what was measured, and how far apart they are."""

from __future__ import annotations

from typing import Final

from loadtester.analysis import Report, ThresholdResult
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Child, Markup, section, table, tag

_WORDS: Final = {"pass": "✓ holds", "fail": "✕ broken", "too_close": "≈ too close to call", "no_data": "– no data"}
_CLASSES: Final = {"pass": "valid", "fail": "invalid", "too_close": "suspect", "no_data": "invalid"}


def thresholds(report: Report) -> Markup | None:
    """A table of limits; nothing where none was set."""
    if not report.thresholds:
        return None
    held = sum(one.verdict in {"pass", "too_close"} for one in report.thresholds)
    return section(
        "thresholds",
        "Thresholds",
        tag("p", f"{held} of {len(report.thresholds)} thresholds held."),
        table(
            "Thresholds",
            ("threshold", "", "measured", "95 % interval", "limit", "margin"),
            [_row(one) for one in report.thresholds],
        ),
    )


def _row(one: ThresholdResult) -> tuple[Child, ...]:
    return (
        tag("code", one.expression),
        tag("span", _WORDS[one.verdict], class_=_CLASSES[one.verdict]),
        _figure(one.value),
        amounts.NOTHING if one.ci95 is None else f"{_figure(one.ci95[0])} – {_figure(one.ci95[1])}",
        _figure(one.limit),
        amounts.percent(one.margin),
    )


def _figure(value: float | None) -> str:
    """In the metric's own unit, which the expression names."""
    return amounts.NOTHING if value is None else f"{value:,.4g}"
