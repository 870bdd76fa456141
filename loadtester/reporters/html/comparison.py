"""The run beside a baseline: each measure's difference, and how far each quantile moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadtester.analysis.comparison.found import Compared, Comparison, Row, RowVerdict, Shift
from loadtester.analysis.comparison.measures import Unit
from loadtester.reporters.html import amounts
from loadtester.reporters.html.chart import Chart, Line, figure
from loadtester.reporters.html.markup import Child, Markup, section, table, tag

_WORDS: Final[dict[RowVerdict, tuple[str, str]]] = {
    "better": ("▲ better", "valid"),
    "worse": ("▼ worse", "invalid"),
    "same": ("= same", ""),
    "unclear": ("? unclear", "suspect"),
    "changed": ("≠ changed", ""),
}
_TITLES: Final = {"latency": "Latency", "ttft": "Time to first token", "service": "Service time"}
_HEAD: Final = ("measure", "", "baseline", "this run", "difference", "95 % interval", "of the baseline")


def comparison(against: Compared | None) -> Markup | None:
    """The differences to a baseline, or why there is no telling; nothing where none was asked for."""
    if against is None:
        return None
    found = against.comparison
    if found is None:
        return section("comparison", "Against the baseline", tag("p", f"Not compared: {against.why_not}."))
    word, colour = _WORDS[found.verdict]
    said = [*(f"Forced: {reason}" for reason in found.forced), *found.notes]
    metrics = dict.fromkeys(shift.metric for shift in found.shift)
    return section(
        "comparison",
        "Against the baseline",
        tag("p", tag("span", word, class_=colour), f" than {found.base.name}, {found.base.id}."),
        tag("ul", (tag("li", text) for text in said), class_="reasons") if said else None,
        table("Against the baseline", _HEAD, [_row(row) for row in found.rows]),
        tag(
            "div",
            (_shift(metric, [one for one in found.shift if one.metric == metric]) for metric in metrics),
            class_="charts",
        ),
        *_by(found),
    )


def _by(found: Comparison) -> Iterator[Markup]:
    for parts in found.by.values():
        for name, rows in parts.items():
            yield tag("details", tag("summary", name), table(name, _HEAD, [_row(row) for row in rows]))


def _row(row: Row) -> tuple[Child, ...]:
    word, colour = _WORDS[row.verdict]
    bounds = row.difference_ci95
    return (
        row.measure.name,
        tag("span", word, class_=colour, title=row.note or None),
        _figure(row.base, row.measure.unit),
        _figure(row.new, row.measure.unit),
        _signed(row.difference, row.measure.unit),
        amounts.NOTHING if bounds is None else " to ".join(_signed(one, row.measure.unit) for one in bounds),
        amounts.NOTHING if row.relative is None else f"{row.relative:+.1%}",
    )


def _figure(value: float | None, unit: Unit) -> str:
    if value is None:
        return amounts.NOTHING
    match unit:
        case "s":
            return amounts.seconds(value)
        case "share":
            return f"{value:.2%}"
        case "usd":
            return amounts.usd(value, 2 if value >= 1 else 6)
        case _:
            return f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"  # noqa: PLR2004  four digits either way


def _signed(value: float | None, unit: Unit) -> str:
    """A difference with its sign; of shares in percentage points, as in the terminal."""
    if value is None:
        return amounts.NOTHING
    shown = f"{100 * abs(value):.2f} pt" if unit == "share" else _figure(abs(value), unit)
    return f"{'-' if value < 0 else '+'}{shown}"


def _shift(metric: str, shifts: list[Shift]) -> Markup:
    """How far each quantile moved: a flat line is a constant delay, a rising one a longer tail."""
    bounds = [one.difference_ci95 for one in shifts]
    lines = [Line("difference", [one.difference_s for one in shifts], "accent")]
    if any(one is not None for one in bounds):
        lines = [
            Line("95 % from", [None if one is None else one[0] for one in bounds], "accent", is_dashed=True),
            Line(
                "95 % to",
                [None if one is None else one[1] for one in bounds],
                "accent",
                is_dashed=True,
                is_band=True,
            ),
            *lines,
        ]
    worst = max(shifts, key=lambda one: abs(one.difference_s))
    title = f"{_TITLES.get(metric, metric)}: shift by quantile"
    says = f"The {worst.percent}th percentile moved most, by {worst.difference_s:+.3g} s."
    x = [one.percent for one in shifts]
    return figure(Chart(title, says, x, lines, "s", x_label="percentile", x_unit="count"))
