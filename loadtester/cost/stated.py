"""Someone's own rounded figures, beside exact arithmetic from the same assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from loadtester.cost import levers
from loadtester.cost.bill import Lines, Tariff, hit_rate
from loadtester.cost.lengths import bounded
from loadtester.cost.levers import Lever


@dataclass(frozen=True, slots=True)
class Stated:
    """A figure as it was given: so many messages a day at so many USD each, rounded to `usd`.

    Of `model`, `is_hits` and `change` one says which exact figure it stands for: what all messages to a model would
    cost were none answered by a cache, what cache hits save, or what a change saves. `why` explains the difference.
    """

    name: str
    messages: Decimal
    usd_each: Decimal
    usd: Decimal
    why: str
    model: str | None = None
    is_hits: bool = False
    change: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A stated figure a day: as its own assumptions give it, and as the lines do. Savings of a change are positive."""

    stated: Stated
    own_usd: Decimal
    exact_usd: Decimal

    @property
    def is_reproduced(self) -> bool:
        """Whether the stated figure is its own arithmetic, rounded to the dollar."""
        return self.own_usd.quantize(Decimal(1)) == self.stated.usd


def compare(stated: Stated, lines: Lines, tariff: Tariff, messages_per_day: int) -> Compared:
    """One stated figure beside exact arithmetic."""
    hits = hit_rate(lines)
    mean = tariff.usd_per_message(lines)
    if stated.model is not None:
        of_model = (line for line in lines if line.model == stated.model)
        exact = tariff.usd_per_message(of_model) / (1 - hits)
    elif stated.is_hits:
        exact = -mean * hits / (1 - hits)
    else:
        exact = mean - tariff.usd_per_message(changed(stated.change or {}, lines))
    return Compared(stated, stated.messages * stated.usd_each, exact * messages_per_day)


def changed(change: Mapping[str, object], lines: Lines) -> Lines:
    """The lines after a change: of `share`, `cache_hits` or `max_tokens`. Raises FmloadError where they can't be so."""
    return _lever(change, lines).apply(lines) if change else lines


def _lever(change: Mapping[str, object], lines: Lines) -> Lever:
    if "share" in change:
        wanted = change["share"]
        return levers.shares({model: Decimal(str(part)) for model, part in wanted.items()})  # type: ignore[attr-defined]  # checked when it was read
    if "cache_hits" in change:
        return levers.cache_hits(Decimal(str(change["cache_hits"])))
    return levers.max_tokens(int(str(change["max_tokens"])), lambda line, limit: bounded(line.output, limit), lines)
