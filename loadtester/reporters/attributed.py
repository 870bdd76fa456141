"""An attribution as text for people, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from loadtester.analysis.comparison.found import Attribution, OwnShare
from loadtester.analysis.report import Stage
from loadtester.reporters.compared_values import between, columns, difference, relative, value
from loadtester.reporters.comparison import SCHEMA, markdown_table, side_line, warnings

_HEAD: Final = ["", "", "app run", "model run", "app's own", "95 % interval", "share of the app run's latency"]
_RIGHT: Final = frozenset({2, 3, 4})
_CAVEAT: Final = (
    "A difference of percentiles is no percentile of differences: the slowest answers of one run need not be those of "
    "the other, and the app's prompts are longer than the bare questions."
)


def attribution_text(found: Attribution) -> str:
    """For a terminal or a ticket."""
    lines = [_headline(found), "", side_line("APP  ", found.app), side_line("MODEL", found.model), *warnings(found), ""]
    lines += [*columns([_HEAD, *_rows(found)], right=_RIGHT), "", *_accounts(found), "", _CAVEAT]
    return "\n".join(lines) + "\n"


def attribution_json(found: Attribution) -> str:
    """Every figure, in seconds and fractions."""
    return (
        json.dumps({"schema": SCHEMA, "attribution": asdict(found)}, indent=2, ensure_ascii=False, default=str) + "\n"
    )


def attribution_markdown(found: Attribution) -> str:
    """For a pull request or a job's summary."""
    lines = [f"### fmload compare --attribute: {_headline(found)}", ""]
    lines += [f"- {line}" for line in (side_line("APP", found.app), side_line("MODEL", found.model), *warnings(found))]
    lines += ["", *markdown_table(_HEAD, _rows(found)), "", *(f"- {line}" for line in _accounts(found)), "", _CAVEAT]
    return "\n".join(lines) + "\n"


def _headline(found: Attribution) -> str:
    """The median's share, or that there is none."""
    median = found.total[0]
    if median.share is None or median.own_s is None:
        return "the app's own share can't be told: too few answers"
    return f"of the median latency the app's own share is {relative(median.share, median.share_ci95).replace('+', '')}"


def _rows(found: Attribution) -> list[list[str]]:
    parts: Sequence[tuple[str, Sequence[OwnShare]]] = [("total", found.total), *found.by_query.items()]
    return [[name if not place else "", *_cells(row)] for name, rows in parts for place, row in enumerate(rows)]


def _cells(row: OwnShare) -> list[str]:
    share = row.note if row.share is None else relative(row.share, row.share_ci95)
    return [
        f"p{row.percent}",
        value("s", row.app_s),
        value("s", row.model_s),
        difference("s", row.own_s),
        between("s", row.own_ci95) or (row.note if row.share is not None else "") or "-",
        share,
    ]


def _accounts(found: Attribution) -> Iterator[str]:
    """What the app says of itself, beside what the two runs say of it."""
    if not found.account:
        yield "the app's answers carry no account of their own time"
        return
    yield f"by the app's own account: {_account(found.account)}"
    for query, account in found.account_by_query.items():
        if account:
            yield f"  {query}: {_account(account)}"


def _account(account: Mapping[str, Stage]) -> str:
    """The parts that make up the whole: the app, its model, the network between it and the load tester."""
    return ", ".join(f"{name} {account[name].share:.1%}" for name in ("app", "model", "network") if name in account)
