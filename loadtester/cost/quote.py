"""Everything `fmload cost` says, put together: what is, what if, and what moves it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from loadtester.cost import explain
from loadtester.cost.basis import WARMUP, Basis
from loadtester.cost.bill import Lines, Tariff
from loadtester.cost.calendar import Calendar
from loadtester.cost.estimate import Estimate, estimate
from loadtester.cost.levers import Lever, pull
from loadtester.cost.stated import Compared, compare
from loadtester.cost.tornado import Swing, tornado
from loadtester.errors import FmloadError

NO_GOOD_ANSWER = "no good answer to project from"


@dataclass(frozen=True, slots=True)
class Effect:
    """What levers make of the bill; `saves` is USD a month, negative where it gets dearer."""

    name: str
    note: str
    estimate: Estimate
    saves_month_usd: Decimal
    lines: Lines


@dataclass(frozen=True, slots=True)
class Quote:
    """A basis projected. `now` is None where the run had no good answer; `combined` where no lever is pulled."""

    basis: Basis
    tariff: Tariff
    calendar: Calendar
    now: Estimate | None
    alone: tuple[Effect, ...]
    combined: Effect | None
    swings: tuple[Swing, ...]
    compared: tuple[Compared, ...]

    @property
    def spent_usd(self) -> Decimal | None:
        """What the run itself cost, its warm-up included; None for assumptions."""
        return sum((row.usd for row in self.basis.today), Decimal(0)) if self.basis.today else None

    @property
    def warmup_usd(self) -> Decimal | None:
        """What of it the warm-up cost."""
        rows = [row.usd for row in self.basis.today if row.group == WARMUP]
        return sum(rows, Decimal(0)) if self.basis.today else None

    @property
    def measured_usd(self) -> Decimal | None:
        """What the run cost but for its warm-up."""
        spent, warmup = self.spent_usd, self.warmup_usd
        return None if spent is None or warmup is None else spent - warmup

    @property
    def per_good_answer_usd(self) -> Decimal | None:
        """All money spent after the warm-up over the answers within the SLO."""
        spent = self.measured_usd
        return spent / self.basis.good if spent is not None and self.basis.good else None

    @property
    def final(self) -> Estimate | None:
        """The estimate with all levers pulled, or as it is."""
        return self.combined.estimate if self.combined else self.now

    def explanation(self) -> tuple[str, ...]:
        """The arithmetic of each figure."""
        if self.now is None:
            return (NO_GOOD_ANSWER,)
        said = list(explain.bill_lines(self.basis.lines, self.tariff, self.calendar))
        for effect in self.alone if self.combined is None else (*self.alone, self.combined):
            said.append(f"what if {effect.name}:")
            said += [f"  {line}" for line in explain.bill_lines(effect.lines, self.tariff, self.calendar)]
        said += explain.stated_lines(self.compared)
        said += explain.stated_sums(self.compared)
        if per_good := self.per_good_answer_usd:
            spent = f"${self.measured_usd:.6f}" + (" (without the warm-up)" if self.warmup_usd else "")
            said.append(f"a good answer: {spent} / {self.basis.good:,} within the SLO = ${per_good:.8f}")
        return tuple(said)


def quote(basis: Basis, tariff: Tariff, calendar: Calendar, levers: Sequence[Lever]) -> Quote:
    """Project a basis, pull each lever alone and all together. Raises FmloadError where one can't be pulled."""
    if basis.good == 0:
        return Quote(basis, tariff, calendar, None, (), None, (), ())
    if not basis.lines or not tariff.usd_per_message(basis.lines):
        raise FmloadError("nothing in it costs anything", remedy="state tokens in and out, or name another run")
    now = estimate(basis.lines, basis, tariff, calendar)

    def effect(name: str, note: str, pulled: tuple[Lever, ...]) -> Effect:
        lines = pull(pulled, basis.lines)
        then = estimate(lines, basis, tariff, calendar)
        return Effect(name, note, then, now.month.usd - then.month.usd, lines)

    alone = tuple(effect(lever.name, lever.note, (lever,)) for lever in levers)
    combined = effect("all together", "", tuple(levers)) if len(alone) > 1 else (alone[0] if alone else None)
    per_month = calendar.messages_per_day * calendar.month_days()
    return Quote(
        basis=basis,
        tariff=tariff,
        calendar=calendar,
        now=now,
        alone=alone,
        combined=combined,
        swings=tornado(basis.lines, tariff, per_month),
        compared=tuple(compare(one, basis.lines, tariff, basis.messages_per_day) for one in basis.stated),
    )
