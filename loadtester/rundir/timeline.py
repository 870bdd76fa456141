"""timeline.ndjson: one line of counters a second. A second is on record once its line here is whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval

_CELL_FIELDS = tuple(Cell.__slots__)
_COUNTERS = tuple(name for name in _CELL_FIELDS if name != "usd")


def line(interval: Interval) -> str:
    """The line of one second, with its line end. Outcome totals stand beside the cells they are the sums of."""
    cells = interval.cells or {}
    outcomes: Counter[str] = Counter()
    for key, cell in cells.items():
        outcomes[key.outcome.value] += cell.count
    return (
        json.dumps(
            {
                "second": interval.second,
                "planned": interval.planned,
                "sent": interval.sent,
                "in_flight": interval.in_flight,
                "outcomes": outcomes,
                "usd": str(sum((cell.usd for cell in cells.values()), Decimal(0))),
                "cpu_s": round(interval.cpu_s, 6),
                "busiest_s": round(interval.busiest_s, 6),
                "stall_s": round(interval.stall_s, 6),
                "failures": [
                    {"outcome": outcome.value, "detail": detail, "count": count}
                    for (outcome, detail), count in (interval.failures or {}).items()
                ],
                "cells": [_cell(key, cell) for key, cell in cells.items()],
                "histograms": len(interval.counts or {}),
                **_warm(interval),
            }
        )
        + "\n"
    )


def _warm(interval: Interval) -> dict[str, Any]:
    """What a second has of the warm-up; most have nothing, and say nothing."""
    if not interval.warm and not interval.warm_planned and not interval.warm_sent:
        return {}
    return {
        "warm_planned": interval.warm_planned,
        "warm_sent": interval.warm_sent,
        "warm": [_cell(key, cell) for key, cell in (interval.warm or {}).items()],
    }


def read_lines(text: str) -> Iterator[tuple[Interval, int | None]]:
    """The interval of each whole line, and how many histograms it has elsewhere; a last line cut short is left out.

    Runs of earlier versions don't tell of histograms. Raises ValueError naming a broken line.
    """
    for number, raw in enumerate(text.splitlines(keepends=True), start=1):
        if not raw.endswith("\n"):
            return
        try:
            found = json.loads(raw)
            yield _interval(found), _counted(found, "histograms") if "histograms" in found else None
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise ValueError(f"line {number}: {type(error).__name__}: {error}") from error


def _cell(key: CellKey, cell: Cell) -> dict[str, Any]:
    values = {name: getattr(cell, name) for name in _CELL_FIELDS}
    values["usd"] = str(cell.usd)
    return {**key._asdict(), "outcome": key.outcome.value, **values}


def _cells(raw: list[dict[str, Any]]) -> dict[CellKey, Cell]:
    return {
        CellKey(cell["query"], cell["kind"], cell["model"], cell["answered_by"], Outcome(cell["outcome"])): Cell(
            # Runs of earlier versions have fewer counters.
            **{name: _counted(cell, name) for name in _COUNTERS if name in cell},
            usd=_usd(cell["usd"]),
        )
        for cell in raw
    }


def _interval(raw: dict[str, Any]) -> Interval:
    return Interval(
        second=int(raw["second"]),
        planned=_counted(raw, "planned"),
        sent=_counted(raw, "sent"),
        in_flight=_counted(raw, "in_flight"),
        cpu_s=float(raw["cpu_s"]),
        busiest_s=float(raw.get("busiest_s", 0.0)),
        stall_s=float(raw["stall_s"]),
        cells=_cells(raw["cells"]),
        warm_planned=_counted(raw, "warm_planned") if "warm_planned" in raw else 0,
        warm_sent=_counted(raw, "warm_sent") if "warm_sent" in raw else 0,
        warm=_cells(raw.get("warm", [])),
        failures={(Outcome(line["outcome"]), str(line["detail"])): _counted(line, "count") for line in raw["failures"]},
    )


def _counted(raw: dict[str, Any], name: str) -> int:
    count = int(raw[name])
    if count < 0:
        raise ValueError(f"{name} is below 0")
    return count


def _usd(text: str) -> Decimal:
    usd = Decimal(text)
    if not usd.is_finite() or usd < 0:
        raise ValueError("usd is no amount")
    return usd
