"""Thresholds for people: limit, value, interval, margin and verdict, each on a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from loadtester.analysis import Report, ThresholdResult
from loadtester.scenario.threshold import VERDICTS

_WORDS = {"pass": "pass", "fail": "FAIL", "too_close": "pass", "no_data": "FAIL"}
_COLOURS = {"pass": "green", "fail": "bold red", "too_close": "yellow", "no_data": "bold red"}


def threshold_lines(report: Report) -> Iterator[RenderableType]:
    """A table of the thresholds in their order, and below it why some could not pass; nothing where there are none."""
    if not report.thresholds:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("threshold", no_wrap=True, min_width=16)
    for name in ("value", "95 % interval", "margin"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in report.thresholds:
        table.add_row(
            Text(result.expression),
            shown(result.value, result.unit),
            _interval(result),
            "–" if result.margin is None else f"{result.margin:+.1%}",
            Text(_verdict(result), style=_COLOURS[result.verdict]),
        )
    yield table


def _verdict(result: ThresholdResult) -> str:
    words = _WORDS[result.verdict]
    if result.verdict == "no_data":
        words += ": no data"
    if result.reason:
        words += f": {result.reason}"
    return words if result.at_s is None else f"{words} (worst at {result.at_s:g} s)"


def _interval(result: ThresholdResult) -> str:
    if result.ci95 is None:
        return "–"
    low, high = result.ci95
    return f"{shown(low, result.unit)} to {shown(high, result.unit)}"


def shown(value: float | None, unit: str) -> str:
    """A threshold's value or limit as people write it."""
    return "–" if value is None else _SHOWN.get(unit, "{:,.0f}".format)(value)


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def _usd(value: float) -> str:
    return f"${value:,.2f}" if abs(value) >= 1 else f"${value:.5f}"


_SHOWN: Final[Mapping[str, Callable[[float], str]]] = {
    "s": _seconds,
    "share": "{:.2%}".format,
    "usd": _usd,
    "per_s": "{:,.2f}/s".format,
    "verdict": lambda value: VERDICTS[int(value)],
}
