"""A bill: parts of the messages, each with its mean tokens, and what they cost at a tariff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from loadtester.cost.overlay import overlay
from loadtester.cost.price import Price
from loadtester.cost.prices import PriceTable
from loadtester.errors import FmloadError

#: What stands in place of a model where none answered: a cache did, or nobody.
CACHE: Final = "(cache)"
NOBODY: Final = "(nobody)"
#: The origin of a line that no line of the first bill stands behind.
NEW: Final = -1
_FREE: Final = (CACHE, NOBODY)

KINDS: Final = ("input", "output", "cache_read", "cache_write", "hour_write")


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the messages: `share` of all of them, answered by `model`; tokens are means per message.

    `input` are neither read from nor written to a prompt cache; `hour_write` are written for an hour. `factor` is that
    of the tier and of batches. `origin` is the place, in the first bill, of the line that this one was made of.
    """

    query: str
    model: str
    share: Decimal
    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cache_read: Decimal = Decimal(0)
    cache_write: Decimal = Decimal(0)
    hour_write: Decimal = Decimal(0)
    factor: Decimal = Decimal(1)
    origin: int = 0
    is_cacheable: bool = True

    @property
    def is_paid(self) -> bool:
        """Whether a model answered."""
        return self.model not in _FREE

    @property
    def prompt(self) -> Decimal:
        """All input tokens, cached ones included."""
        return self.input + self.cache_read + self.cache_write + self.hour_write

    def times(self, part: Decimal) -> Line:
        """The same messages, but `part` as many."""
        return replace(self, share=self.share * part)


Lines = tuple[Line, ...]


def numbered(lines: Iterable[Line]) -> Lines:
    """The lines of a first bill, each its own origin."""
    return tuple(replace(line, origin=i) for i, line in enumerate(lines))


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices, and for models whose price per message the user states, the factor that makes up the difference."""

    prices: PriceTable
    corrections: Mapping[str, Decimal] = field(default_factory=dict)

    def price(self, model: str) -> Price:
        """The model's price. Raises FmloadError, with near matches, where nobody has stated one."""
        price = self.prices.price(model)
        if price is None:
            near = self.prices.near(model)
            meant = f"did you mean {', '.join(near)}? " if near else ""
            raise FmloadError(f"no price is known for the model {model}", remedy=f"{meant}--prices FILE can state one")
        return price

    def rates(self, model: str) -> dict[str, Decimal | None]:
        """USD per 1M tokens by kind; None for output where the model gives none."""
        price = self.price(model)
        return {
            "input": price.input,
            "output": price.output,
            "cache_read": price.cache_read,
            "cache_write": price.cache_write,
            "hour_write": price.input * overlay().hour_cache_write,
        }

    def usd_each(self, line: Line) -> Decimal:
        """What one message of the line costs."""
        if not line.is_paid:
            return Decimal(0)
        total = Decimal(0)
        for kind, rate in self.rates(line.model).items():
            tokens: Decimal = getattr(line, kind)
            if tokens and rate is None:
                raise FmloadError(
                    f"{line.model} has no price for {kind} tokens", remedy="--prices FILE can state one, or use another"
                )
            total += tokens * (rate or Decimal(0))
        return total.scaleb(-6) * line.factor * self.corrections.get(line.model, Decimal(1))

    def usd_per_message(self, lines: Iterable[Line]) -> Decimal:
        """The mean over all messages: Σ share × USD each."""
        return sum((line.share * self.usd_each(line) for line in lines), Decimal(0))


def models_of(lines: Iterable[Line]) -> tuple[str, ...]:
    """The models that answered, by name."""
    return tuple(sorted({line.model for line in lines if line.is_paid}))


def hit_rate(lines: Iterable[Line]) -> Decimal:
    """The part of the messages that a cache answered."""
    return sum((line.share for line in lines if line.model == CACHE), Decimal(0))


def dearest(lines: Lines, tariff: Tariff) -> str:
    """The model that the largest part of the bill goes to."""
    return max(models_of(lines), key=lambda name: tariff.usd_per_message(line for line in lines if line.model == name))
