"""Comparisons as text for people, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from loadtester.analysis.comparison.found import Comparison, Row, Side
from loadtester.reporters.compared_values import between, columns, difference, relative, value

SCHEMA: Final = 1
_TELLING: Final = ("worse", "better", "changed")
_HEAD: Final = ["", "base", "new", "difference", "relative, 95 % interval", "margin", "verdict"]
_RIGHT: Final = frozenset({1, 2, 3})
_DECILES: Final = frozenset(range(10, 100, 10))


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """All of them for a terminal or a ticket."""
    return "\n\n".join("\n".join(_lines(one)) for one in comparisons) + "\n"


def comparison_json(comparisons: Sequence[Comparison]) -> str:
    """All of them with every figure: SI units, USD, shares as fractions."""
    found = {"schema": SCHEMA, "comparisons": [comparison_fields(one) for one in comparisons]}
    return json.dumps(found, indent=2, ensure_ascii=False, default=str) + "\n"


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """All of them for a pull request or a job's summary."""
    return "\n\n".join("\n".join(_page(one)) for one in comparisons) + "\n"


def headline(one: Comparison) -> str:
    """The verdict in a sentence."""
    named = [row.measure.name for row in one.rows if row.verdict == one.verdict and row.measure.better]
    tail = {"same": "nothing differs by more than its margin", "unclear": f"can't tell of {', '.join(named)}"}
    return f"{one.verdict}: {tail.get(one.verdict) or ', '.join(named)}"


def side_line(name: str, side: Side) -> str:
    """Which run it is, and how good."""
    return (
        f"{name}  {side.directory}  {side.target}, {side.sent:,} sent, {side.ok:,} ok in {side.seconds:.0f} s, "
        f"{side.validity}"
    )


def warnings(one: Any) -> Iterator[str]:
    """What was overridden by --force, what else differs, and what makes the result weak."""
    for reason in one.forced:
        yield f"forced, though {reason}"
    for unlike in one.noted:
        yield f"also differs: {unlike}"
    yield from one.notes


def _lines(one: Comparison) -> Iterator[str]:
    yield headline(one)
    yield ""
    yield side_line("BASE", one.base)
    yield side_line("NEW ", one.new)
    yield from warnings(one)
    yield ""
    yield from columns([_HEAD, *(_cells(row) for row in one.rows)], right=_RIGHT)
    for dimension, parts in one.by.items():
        yield ""
        yield from _by(dimension, parts)
    for metric in dict.fromkeys(shift.metric for shift in one.shift):
        yield ""
        yield f"{metric} by tenths of the answers, the fastest first"
        yield from columns(_deciles(one, metric), right=frozenset({1, 2, 3}))
    yield ""
    yield _looked_at(one)


def _cells(row: Row) -> list[str]:
    unit = row.measure.unit
    interval = relative(row.relative, row.relative_ci95)
    if unit == "share" or row.relative_ci95 is None:
        interval = between(unit, row.difference_ci95) or "-"
    verdict = f"{row.verdict} ({row.note})" if row.note else row.verdict
    return [
        row.measure.name,
        value(unit, row.base),
        value(unit, row.new),
        difference(unit, row.difference),
        interval,
        f"{row.margin * 100:g} {'pt' if unit == 'share' else '%'}",
        verdict,
    ]


def _by(dimension: str, parts: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """What differs in which part; what doesn't is counted."""
    yield f"by {dimension}, uncorrected: to see where a difference comes from"
    rows = []
    for part, found in parts.items():
        rest = [row.verdict for row in found if row.verdict not in _TELLING]
        counted = f"{rest.count('same')} same, {rest.count('unclear')} unclear"
        rows += [[part, *_cells(row)] for row in found if row.verdict in _TELLING]
        rows.append([part, counted, *[""] * (len(_HEAD) - 1)])
    yield from columns(rows, right=frozenset({2, 3, 4})) if rows else []


def _deciles(one: Comparison, metric: str) -> list[list[str]]:
    return [
        [
            f"p{shift.percent}",
            value("s", shift.base_s),
            value("s", shift.new_s),
            difference("s", shift.difference_s),
            between("s", shift.difference_ci95),
        ]
        for shift in one.shift
        if shift.metric == metric and shift.percent in _DECILES
    ]


def _looked_at(one: Comparison) -> str:
    parts = one.looked_at - len(one.rows)
    more = f"; of the {parts} by part about one in twenty would stray by chance with no margin" if parts else ""
    return (
        f"{one.looked_at} rows looked at: the {len(one.rows)} of the total decide, "
        f"corrected for their number (Holm, 5 %){more}"
    )


def _page(one: Comparison) -> Iterator[str]:
    yield f"### fmload compare: {_escaped(headline(one))}"
    yield ""
    yield f"- {_escaped(side_line('BASE', one.base))}"
    yield f"- {_escaped(side_line('NEW', one.new))}"
    yield from (f"- {_escaped(line)}" for line in warnings(one))
    yield ""
    yield from markdown_table(_HEAD, [_cells(row) for row in one.rows])
    for dimension, parts in one.by.items():
        yield ""
        yield f"<details><summary>by {dimension}, uncorrected</summary>"
        yield ""
        cells = [[part, *_cells(row)] for part, rows in parts.items() for row in rows]
        yield from markdown_table([dimension, *_HEAD], cells)
        yield ""
        yield "</details>"
    yield ""
    yield _escaped(_looked_at(one))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table whose cells are escaped."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"


def _escaped(text: str) -> str:
    """Names of runs and query types are users' text: no markup of theirs gets through."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;"), ("\n", " ")):
        text = text.replace(sign, entity)
    return text


def comparison_fields(one: Comparison) -> dict[str, Any]:
    """One of them as JSON-ready values."""
    return {
        **asdict(one),
        "headline": headline(one),
        "rows": [_row(row) for row in one.rows],
        "by": {
            dimension: {part: [_row(row) for row in rows] for part, rows in parts.items()}
            for dimension, parts in one.by.items()
        },
    }


def _row(row: Row) -> dict[str, Any]:
    fields = asdict(row)
    del fields["measure"]
    return {"measure": row.measure.name, "unit": row.measure.unit, "better": row.measure.better, **fields}
