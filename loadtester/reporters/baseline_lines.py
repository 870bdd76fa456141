"""What a run's comparison with its baseline found, in a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from loadtester.analysis import Report
from loadtester.analysis.comparison.found import Comparison, Row
from loadtester.reporters.compared_values import between, columns, difference, relative, value
from loadtester.reporters.comparison import headline, warnings

_HEAD = ["", "baseline", "this run", "difference", "95 % interval", "verdict"]
_COLOURS = {"worse": "bold red", "better": "bold green"}


def baseline_lines(report: Report) -> Iterator[Text]:
    """The verdict and the figures that differ, or why there is no telling; nothing where no baseline was asked for."""
    against = report.against
    if against is None:
        return
    found = against.comparison
    if found is None:
        yield Text(f"baseline   not compared: {against.why_not}")
        return
    lines = [Text(f"baseline   {against.baseline}: {headline(found)}", style=_COLOURS.get(found.verdict, ""))]
    lines += [Text(f"           {text}") for text in warnings(found)]
    lines += [Text(f"  {line}") for line in _table(found)]
    yield Text("\n").join(lines)


def _table(found: Comparison) -> Iterator[str]:
    """The rows that differ; of the others how many there are."""
    telling = [row for row in found.rows if row.verdict in ("worse", "better", "changed")]
    if telling:
        yield from columns([_HEAD, *map(_cells, telling)], right=frozenset({1, 2, 3}))
    rest = [row.verdict for row in found.rows if row not in telling]
    yield f"{rest.count('same')} figures the same, {rest.count('unclear')} unclear"


def _cells(row: Row) -> list[str]:
    unit = row.measure.unit
    is_share = unit == "share" or row.relative_ci95 is None
    return [
        row.measure.name,
        value(unit, row.base),
        value(unit, row.new),
        difference(unit, row.difference),
        between(unit, row.difference_ci95) if is_share else relative(row.relative, row.relative_ci95),
        row.verdict,
    ]
