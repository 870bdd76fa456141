"""What a night of runs found: the frozen nouns that reporters turn into JUnit XML, Markdown and messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from loadtester.analysis.comparison.found import Comparison
from loadtester.analysis.report import Report
from loadtester.errors import PRECEDENCE, Exit

#: What an exit code says of a run, where its report doesn't.
_SAID: Final = {
    Exit.FAULT: "a fault of fmload's own",
    Exit.UNREACHABLE: "the target could not be reached",
    Exit.BUDGET: "stopped by a limit",
    Exit.INTERRUPTED: "interrupted; the report is partial",
    Exit.DEGRADED: "a worker was lost",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scenario.

    `report` is None where it did not run, and `problem` says why. `codes` are the exit codes that hold for it; where it
    is no gate, a threshold or a comparison that fails is not among them. `comparison` is with the run in `baseline`;
    where there is none, `uncompared` says why.
    """

    name: str
    report: Report | None
    codes: tuple[int, ...]
    is_gate: bool = True
    problem: str | None = None
    directory: str | None = None
    baseline: str | None = None
    comparison: Comparison | None = None
    uncompared: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether the night fails by it."""
        return any(self.codes)

    @property
    def is_excused(self) -> bool:
        """Whether it is over a limit, or worse than its baseline, and fails nothing by that, as it is no gate."""
        if self.report is None or self.is_gate:
            return False
        is_worse = self.comparison is not None and self.comparison.verdict == "worse"
        return is_worse or any(one.verdict in ("fail", "no_data") for one in self.report.thresholds)


@dataclass(frozen=True, slots=True)
class Night:
    """A suite's results in the order of its scenarios; those still to come are missing."""

    suite: str
    started_at: datetime
    elapsed_s: float
    results: tuple[Result, ...]

    @property
    def exit_code(self) -> int:
        """The first in order of precedence of the codes that hold for any of them."""
        codes = {code for result in self.results for code in result.codes}
        return next((int(code) for code in PRECEDENCE if code in codes), 0)


def complaints(result: Result) -> Iterator[str]:
    """Why a scenario is not simply fine, a sentence each, the weightiest first."""
    if result.problem is not None:
        yield result.problem
    report = result.report
    if report is None:
        return
    if result.problem is None:
        yield from (_SAID[Exit(code)] for code in result.codes if code in _SAID)
    verdict = report.validity.verdict
    if verdict != "valid":
        because = "; ".join(reason.message for reason in report.validity.reasons if reason.verdict == verdict)
        yield f"{verdict}: {because}" if because else verdict
    yield from _limits(report)
    if result.comparison is not None:
        worse = [row.measure.name for row in result.comparison.rows if row.verdict == "worse"]
        if worse:
            yield f"worse than {result.baseline}: {', '.join(worse)}"


def _limits(report: Report) -> Iterator[str]:
    held = 0
    for threshold in report.thresholds:
        if threshold.verdict == "no_data":
            yield f"{threshold.expression} has no data"
        elif threshold.verdict == "fail" and report.validity.verdict == "invalid" and (threshold.margin or 0) > 0:
            held += 1
        elif threshold.verdict == "fail":
            yield f"{threshold.expression} failed"
    if held:
        yield f"{held} threshold{'s' if held > 1 else ''} held, but an invalid run passes none"


def held_against(night: Night) -> Iterator[str]:
    """Which scenarios were compared with their last good run, and the verdict."""
    for result in night.results:
        if result.comparison is not None:
            yield f"{result.name} {result.comparison.verdict}"


def uncompared(night: Night) -> Iterator[str]:
    """Which scenarios were not compared, and why, those with the same reason together."""
    named: dict[str, list[str]] = {}
    for result in night.results:
        if result.uncompared:
            named.setdefault(result.uncompared, []).append(result.name)
    for why_not, names in named.items():
        everything = len(names) == len(night.results) > 1
        yield f"{'none of them' if everything else ', '.join(names)}: {why_not}"


def spent_usd(report: Report) -> Decimal | None:
    """The run's bill, with what its budget set aside for answers whose usage never came; None without a price."""
    budget = report.manifest.get("budget")
    if budget:
        return Decimal(budget["spent_usd"]) + Decimal(budget["assumed_usd"])
    return report.total.cost.run


def night_usd(night: Night) -> Decimal:
    """The bill of all runs whose price is known."""
    bills = [spent_usd(result.report) for result in night.results if result.report is not None]
    return sum((bill for bill in bills if bill is not None), Decimal(0))
