"""Tables that a spreadsheet or pandas reads in one line: the run by second, and by part of its traffic."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal

from loadtester.analysis import Figures, Report, Spread
from loadtester.model import Outcome
from loadtester.recorder import Histogram, Interval, Recording
from loadtester.rundir.spreadsheet import plain_text

Value = str | int | float | Decimal | None
Row = Mapping[str, Value]

#: A percentile stands only where enough answers came in that second: ln(0.05) / ln(p).
_PERCENTILES = {"p50": (50.0, 5), "p95": (95.0, 59), "p99": (99.0, 299)}
_SPREADS = ("latency", "ttft")
_SPREAD_COLUMNS = ("count", "mean", "p50", "p90", "p95", "p99", "p999", "max")
#: The first is the sum of the next three.
_COSTS = ("run", "good", "wasted", "warmup", "per_good_answer")


def by_second(run: Recording) -> Iterator[Row]:
    """A row a second on record: counters, outcomes, tokens, USD, and percentiles of ok answers in seconds.

    Without what was due in the warm-up, but for `in_flight`.
    """
    for interval in run.intervals:
        cells = (interval.cells or {}).items()
        ended: Counter[Outcome] = Counter()
        for key, cell in cells:
            ended[key.outcome] += cell.count
        yield {
            "second": interval.second,
            "planned": interval.planned - interval.warm_planned,
            "sent": interval.sent - interval.warm_sent,
            "in_flight": interval.in_flight,
            **{outcome.value: ended[outcome] for outcome in Outcome},
            "in_slo": sum(cell.in_slo for key, cell in cells if key.outcome is Outcome.OK),
            "input_tokens": sum(cell.input for _, cell in cells),
            "output_tokens": sum(cell.output for _, cell in cells),
            "cache_read_tokens": sum(cell.cache_read for _, cell in cells),
            "cache_write_tokens": sum(cell.cache_write for _, cell in cells),
            "cost_usd": sum((cell.usd for _, cell in cells), Decimal(0)),
            **{name: value for metric in _SPREADS for name, value in _percentiles(interval, metric)},
        }


def by_part(report: Report) -> Iterator[Row]:
    """A row for the whole run, and one for each query type, model and kind; the same columns in each."""
    yield {"dimension": "total", "value": "", **_part(report.total)}
    for dimension, parts in report.by.items():
        for value, part in parts.items():
            yield {"dimension": dimension, "value": value, **_part(part)}


def csv_text(rows: Iterable[Row]) -> str:
    """Rows of the same columns as CSV with a heading; nothing for no row."""
    out = io.StringIO()
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(out, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return plain_text(value)
    return f"{value:f}" if isinstance(value, Decimal) else value


def _percentiles(interval: Interval, metric: str) -> Iterator[tuple[str, float | None]]:
    counts = [part for series, part in (interval.counts or {}).items() if series.is_ok and series.metric == metric]
    histogram = Histogram(counts)
    total = histogram.total
    for name, (percent, needed) in _PERCENTILES.items():
        yield f"{metric}_{name}_s", histogram.percentile_s(percent) if total >= needed else None


def _part(part: Figures) -> dict[str, Value]:
    rates = {name: value for name, value in asdict(part.rates).items() if name != "ci95"}
    cost = {f"{name}_usd": getattr(part.cost, name) for name in _COSTS}
    return {
        **asdict(part.funnel),
        **rates,
        **{name: value for metric in _SPREADS for name, value in _spread(metric, getattr(part, metric))},
        **{f"{name}_tokens": count for name, count in asdict(part.tokens).items() if name != "estimated_answers"},
        "estimated_answers": part.tokens.estimated_answers,
        **cost,
    }


def _spread(metric: str, spread: Spread) -> Iterator[tuple[str, Value]]:
    for column in _SPREAD_COLUMNS:
        yield f"{metric}_{column}" + ("" if column == "count" else "_s"), getattr(spread, column)
