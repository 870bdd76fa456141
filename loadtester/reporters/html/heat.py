"""Latency over time as a heat map: how many answers took how long, when."""

from __future__ import annotations

import math
from typing import Final

from loadtester.analysis.over_time import HeatMap, OverTime
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Markup, behind, section, tag

#: Shades in page.css, from few to many.
_SHADES: Final = 7
_WIDTH: Final = 1000
_HEIGHT: Final = 300
_LEFT: Final = 70
_BOTTOM: Final = 30
_TICKS: Final = 6
#: Room for a line of text above.
_TOP: Final = 12


def heat(seen: OverTime) -> Markup | None:
    """The map, its key and its table; nothing where nothing was answered."""
    found = seen.heat
    most = max((max(column) for column in found.cells), default=0)
    if not most:
        return None
    return section(
        "heat",
        "Heat map of latency",
        tag("p", "Each column is a moment, each row a latency; the darker, the more answers took that long."),
        tag("figure", _map(found, most), _key(most), _table(found), class_="heat"),
    )


def _map(found: HeatMap, most: int) -> Markup:
    columns, rows = len(found.cells), len(found.edges_s) - 1
    wide, high = (_WIDTH - _LEFT) / columns, (_HEIGHT - _BOTTOM) / rows
    shades: list[list[str]] = [[] for _ in range(_SHADES)]
    for column, cells in enumerate(found.cells):
        for row, number in enumerate(cells):
            if number:
                x, y = _LEFT + column * wide, (rows - 1 - row) * high
                shades[_shade(number, most)].append(f"M{x:.1f} {y:.1f}h{wide:.1f}v{high:.1f}h-{wide:.1f}z")
    paths = [tag("path", d="".join(cells), class_=f"heat-{i}") for i, cells in enumerate(shades) if cells]
    busiest = max(range(rows), key=lambda row: sum(cells[row] for cells in found.cells))
    says = f"Most answers took {_range(found, busiest)}; the longest {_range(found, rows - 1)}."
    return tag(
        "svg",
        *paths,
        _rows_scale(found, rows, high),
        _columns_scale(found, columns, wide),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=says,
    )


def _shade(number: int, most: int) -> int:
    """By the logarithm of the count: one answer shows as well as a thousand."""
    if most == 1:
        return _SHADES - 1
    return min(_SHADES - 1, int(math.log(number) / math.log(most) * (_SHADES - 1) + 0.5))


def _rows_scale(found: HeatMap, rows: int, high: float) -> list[Markup]:
    step = max(1, math.ceil(rows / _TICKS))
    return [
        tag(
            "text",
            amounts.seconds(found.edges_s[row]),
            x=_LEFT - 8,
            y=f"{(rows - row) * high + 4:.1f}",
            text_anchor="end",
        )
        for row in range(0, rows + 1, step)
        if _TOP < (rows - row) * high + 4 < _HEIGHT  # inside the picture
    ]


def _columns_scale(found: HeatMap, columns: int, wide: float) -> list[Markup]:
    step = max(1, math.ceil(columns / (2 * _TICKS)))
    return [
        tag("text", f"{column * found.width_s} s", x=f"{_LEFT + column * wide:.1f}", y=_HEIGHT - 8)
        for column in range(0, columns, step)
    ]


def _key(most: int) -> Markup:
    swatches = [
        tag("svg", tag("rect", width=18, height=12, class_=f"heat-{i}"), width=18, height=12, aria_hidden="true")
        for i in range(_SHADES)
    ]
    return tag("figcaption", "1 answer ", swatches, f" {most:,}", class_="key")


def _table(found: HeatMap) -> Markup:
    rows = [row for row in range(len(found.edges_s) - 1) if any(cells[row] for cells in found.cells)]
    return behind(
        "Heat map",
        ("from", *(_range(found, row) for row in rows)),
        [
            (f"{column * found.width_s} s", *(cells[row] or "" for row in rows))
            for column, cells in enumerate(found.cells)
            if any(cells)
        ],
    )


def _range(found: HeatMap, row: int) -> str:
    return f"{amounts.seconds(found.edges_s[row])} – {amounts.seconds(found.edges_s[row + 1])}"
