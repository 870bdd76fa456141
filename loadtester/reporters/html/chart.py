"""A line chart as markup: what to draw, as data for the page's script, and the same figures as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Markup, behind, script_json, tag

#: Names of colours in page.css, light and dark.
Colour = Literal["accent", "second", "third", "good", "throttled", "failed", "muted"]
Unit = Literal["s", "count", "per_s", "usd", "tokens", "nines"]

#: Digits that a chart can show, and more.
_DIGITS: Final = 5

_WORDS: Final[dict[Unit, Callable[[float | None], str]]] = {
    "s": amounts.seconds,
    "count": amounts.count,
    "per_s": amounts.rate,
    "usd": lambda value: amounts.usd(value, 4),
    "tokens": amounts.count,
    "nines": lambda nines: amounts.NOTHING if nines is None else f"p{100 * (1 - 10.0**-nines):.5g}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; None is a gap. A band is filled between it and the line before."""

    label: str
    values: Sequence[float | None]
    colour: Colour
    is_dashed: bool = False
    is_filled: bool = False
    is_band: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over x. `says` is the chart in a sentence, for who can't see it."""

    title: str
    says: str
    x: Sequence[float]
    lines: Sequence[Line]
    unit: Unit
    x_label: str = "time from the run's start"
    x_unit: Unit = "s"
    is_log: bool = False


def figure(chart: Chart) -> Markup:
    """The chart, and under it its table."""
    return tag(
        "figure",
        tag("figcaption", chart.title),
        tag("div", class_="plot", role="img", aria_label=chart.says, tabindex="0"),
        tag("script", script_json(_drawn(chart)), type="application/json"),
        _table(chart),
        class_="chart",
    )


def _drawn(chart: Chart) -> dict[str, object]:
    return {
        "x": {"label": chart.x_label, "unit": chart.x_unit, "values": _rounded(chart.x)},
        "y": {"unit": chart.unit, "log": chart.is_log},
        "lines": [
            {
                "label": line.label,
                "colour": line.colour,
                "dashed": line.is_dashed,
                "filled": line.is_filled,
                "band": line.is_band,
                "values": _rounded(line.values),
            }
            for line in chart.lines
        ],
    }


def _rounded(values: Sequence[float | None]) -> list[float | int | None]:
    return [
        None if value is None else value if isinstance(value, int) else float(f"{value:.{_DIGITS}g}")
        for value in values
    ]


def _table(chart: Chart) -> Markup:
    of_x, of_y = _WORDS[chart.x_unit], _WORDS[chart.unit]
    moment = (lambda at: f"{at:g} s") if chart.x_unit == "s" else of_x
    rows = [
        (moment(at), *(of_y(line.values[i]) for line in chart.lines))
        for i, at in enumerate(chart.x)
        if any(line.values[i] is not None for line in chart.lines)
    ]
    return behind(
        chart.title, ("from" if chart.x_unit == "s" else "percentile", *(line.label for line in chart.lines)), rows
    )
