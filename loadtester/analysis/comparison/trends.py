"""Runs of the same scenario over time: their figures in order, and where they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from loadtester.analysis.comparison.trend import Change, changes
from loadtester.rundir.history import Entry

#: What is followed: each figure with its unit, and the value below which differences mean nothing.
FOLLOWED: Final[Mapping[str, tuple[str, float]]] = {
    "latency_p95_s": ("s", 1e-6),
    "ttft_p95_s": ("s", 1e-6),
    # A tenth of a per cent of the requests: less is luck.
    "throttle_rate": ("share", 0.001),
    "usd_per_good_answer": ("usd", 1e-9),
}


@dataclass(frozen=True, slots=True)
class Shift:
    """A change point: `first` is the run that it begins with. Of all figures that are followed, less is better."""

    first: Entry
    change: Change

    @property
    def word(self) -> Literal["worse", "better"]:
        """Which way it went."""
        return "worse" if self.change.after > self.change.before else "better"


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of the valid and whole runs that had it, the oldest first, and its changes."""

    figure: str
    unit: str
    values: tuple[float, ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """All runs of a scenario that asked the same of the same target; `counted` of them are in the series."""

    name: str
    target: str
    workload: str
    entries: tuple[Entry, ...]
    counted: int
    series: tuple[Series, ...]


def trends(entries: Iterable[Entry]) -> list[Trend]:
    """One for each scenario, target and workload, in the order of their last runs. Pure and seeded."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.started_at, entry.directory)):
        groups.setdefault((entry.name, entry.workload), []).append(entry)
    ordered = sorted(groups.values(), key=lambda group: (group[-1].started_at, group[-1].directory))
    return [_trend(group) for group in ordered]


def is_counted(entry: Entry) -> bool:
    """Whether a run's figures say something of its target: an invalid run's don't, nor those of half a run."""
    return entry.verdict != "invalid" and entry.status == "complete"


def _trend(group: Sequence[Entry]) -> Trend:
    counted = [entry for entry in group if is_counted(entry)]
    last = group[-1]
    return Trend(
        name=last.name,
        target=last.target,
        workload=last.workload,
        entries=tuple(group),
        counted=len(counted),
        series=tuple(_series(figure, unit, floor, counted) for figure, (unit, floor) in FOLLOWED.items()),
    )


def _series(figure: str, unit: str, floor: float, counted: Sequence[Entry]) -> Series:
    known = [(entry, value) for entry in counted if (value := entry.figures.get(figure)) is not None]
    values = tuple(value for _, value in known)
    shifts = tuple(Shift(known[one.index][0], one) for one in changes(values, floor=floor))
    return Series(figure, unit, values, shifts)
