"""The history of runs, for people and as JSON-ready values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from loadtester.analysis.comparison.trends import Series, Trend, is_counted
from loadtester.reporters.night_text import columns
from loadtester.reporters.unit_text import unit_text
from loadtester.rundir.history import Entry, Skipped

SCHEMA: Final = 1
_BARS: Final = "▁▂▃▄▅▆▇█"
#: Runs that a sparkline and the list show.
_SHOWN: Final = 30
_MOST_SKIPPED: Final = 20
_NAMES: Final = {
    "latency_p95_s": "p95",
    "ttft_p95_s": "first token p95",
    "throttle_rate": "throttled",
    "usd_per_good_answer": "cost per good answer",
}
_HEADER: Final = ("", "started (UTC)", "requests", "p95", "ttft p95", "throttled", "errors", "cost", "", "run")


def history_text(found: Sequence[Trend], skipped: Sequence[Skipped]) -> str:
    """A part for each scenario: its trends, then its last runs; at the end what was skipped. Ends with a line end."""
    lines = [line for trend in found for line in (*_trend(trend), "")]
    if not found:
        lines += ["no runs", ""]
    lines += [f"skipped {one.directory}: {one.reason}" for one in skipped[:_MOST_SKIPPED]]
    if len(skipped) > _MOST_SKIPPED:
        lines.append(f"and {len(skipped) - _MOST_SKIPPED} more were skipped; --summary json lists all")
    return "\n".join(lines).rstrip("\n") + "\n"


def history_json(found: Sequence[Trend], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """Scenarios with their runs, series and changes, and what was skipped."""
    return {
        "schema": SCHEMA,
        "scenarios": [
            {
                "name": trend.name,
                "target": trend.target,
                "workload": trend.workload,
                "runs": [_entry_json(entry) for entry in trend.entries],
                "trends": {series.figure: _series_json(series) for series in trend.series},
            }
            for trend in found
        ],
        "skipped": [{"directory": one.directory, "reason": one.reason} for one in skipped],
    }


def sparkline(values: Sequence[float]) -> str:
    """The last values as bars from the lowest to the highest of them; flat where they are equal."""
    shown = values[-_SHOWN:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high == low:
        return _BARS[0] * len(shown)
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in shown)


def _trend(trend: Trend) -> Iterator[str]:
    left_out = len(trend.entries) - trend.counted
    more = f", {left_out} left out of the trend (·)" if left_out else ""
    runs = "1 run" if len(trend.entries) == 1 else f"{len(trend.entries)} runs"
    yield f"{trend.name} → {trend.target}: {runs}{more}"
    rows = [_series(series) for series in trend.series if series.values]
    yield from (f"  {line}" for line in columns(rows, left=2) if rows)
    for series in trend.series:
        for shift in series.shifts:
            before, after = (unit_text(value, series.unit) for value in (shift.change.before, shift.change.after))
            yield (
                f"  ▲ {_NAMES[series.figure]} {shift.word} since {shift.first.started_at:%Y-%m-%d} "
                f"({shift.first.directory}): {before} → {after}, p {shift.change.p_value:.3f}"
            )
    shown = trend.entries[-_SHOWN:]
    yield from (f"  {line}" for line in columns([_HEADER, *map(_entry, shown)], left=2))


def _series(series: Series) -> tuple[str, ...]:
    last, lowest, highest = series.values[-1], min(series.values), max(series.values)
    figures = (unit_text(value, series.unit) for value in (last, lowest, highest))
    return (_NAMES[series.figure], sparkline(series.values), *(f"{a} {b}" for a, b in zip(_ENDS, figures, strict=True)))


_ENDS: Final = ("last", "lowest", "highest")


def _entry(entry: Entry) -> tuple[str, ...]:
    figures = entry.figures
    word = entry.verdict if entry.status == "complete" else f"{entry.verdict}, {entry.status}"
    if not entry.held:
        word += ", threshold failed"
    return (
        " " if is_counted(entry) else "·",
        f"{entry.started_at:%Y-%m-%d %H:%M}",
        f"{figures.get('requests') or 0:,.0f}",
        unit_text(figures.get("latency_p95_s"), "s"),
        unit_text(figures.get("ttft_p95_s"), "s"),
        unit_text(figures.get("throttle_rate"), "share"),
        unit_text(figures.get("error_rate"), "share"),
        unit_text(figures.get("usd"), "usd"),
        word,
        entry.directory,
    )


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "directory": entry.directory,
        "started_at": entry.started_at.isoformat(),
        "status": entry.status,
        "verdict": entry.verdict,
        "thresholds_held": entry.held,
        "exit_code": entry.exit_code,
        "is_good": entry.is_good,
        "is_counted": is_counted(entry),
        "figures": dict(entry.figures),
        "by_kind": {kind: dict(figures) for kind, figures in entry.by_kind.items()},
    }


def _series_json(series: Series) -> dict[str, Any]:
    return {
        "unit": series.unit,
        "values": list(series.values),
        "changes": [
            {
                "first": shift.first.directory,
                "before": shift.change.before,
                "after": shift.change.after,
                "p_value": shift.change.p_value,
                "verdict": shift.word,
            }
            for shift in series.shifts
        ],
    }
