"""A run's budget, kept like money: what a request may cost at worst is set aside until its bill is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from loadtester.model import Request

_NOTHING: Final = Decimal(0)
_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of a budget, in USD.

    `spent_usd` is known usage at its price. `assumed_usd` was set aside for `assumed` requests whose usage never came,
    and is taken as spent. `underestimated` requests cost more than was set aside for them.
    """

    cap_usd: Decimal
    spent_usd: Decimal = _NOTHING
    assumed_usd: Decimal = _NOTHING
    assumed: int = 0
    underestimated: int = 0

    @property
    def over_usd(self) -> Decimal:
        """How far the known bill is over the cap."""
        return max(_NOTHING, self.spent_usd - self.cap_usd)

    def merge(self, other: Ledger) -> Ledger:
        """Both together; they are the shares of two workers."""
        return Ledger(
            self.cap_usd + other.cap_usd,
            self.spent_usd + other.spent_usd,
            self.assumed_usd + other.assumed_usd,
            self.assumed + other.assumed,
            self.underestimated + other.underestimated,
        )


class Budget:
    """Sets money aside for requests and books what they cost; not thread-safe, owned by one engine's guard.

    While spent + assumed + set aside stays within `cap_usd`, the bill can't pass it, whatever is in flight. A request
    that costs more than its worst case shows that worst cases are too low: from then on every one, also of what is in
    flight, counts so many times more.
    """

    def __init__(self, cap_usd: Decimal, worst_usd: Callable[[Request], Decimal]) -> None:
        self._cap_usd = cap_usd
        self._worst_usd = worst_usd
        self._held: dict[int, Decimal] = {}
        self._held_usd = self._spent_usd = self._assumed_usd = _NOTHING
        self._factor = Decimal(1)
        self._assumed = self._underestimated = 0

    def reserve(self, request: Request) -> bool:
        """Set the request's worst case aside; False, and nothing set aside, where the cap has no room for it."""
        worst_usd = self._worst_usd(request)
        held_usd = (self._held_usd + worst_usd) * self._factor
        if worst_usd and self._spent_usd + self._assumed_usd + held_usd > self._cap_usd:
            return False
        self._held[request.id] = worst_usd
        self._held_usd += worst_usd
        return True

    def settle(self, request_id: int, usd: Decimal | None) -> None:
        """Book what the request cost; None, where that can't be known, takes what was set aside as spent."""
        worst_usd = self._held.pop(request_id)
        self._held_usd -= worst_usd
        if usd is None:
            self._assumed_usd += worst_usd * self._factor
            self._assumed += worst_usd > 0
            return
        self._spent_usd += usd
        if usd > worst_usd * self._factor:
            self._underestimated += 1
            self._factor = usd / worst_usd if worst_usd else self._factor

    def ledger(self) -> Ledger:
        """The books as they stand."""
        return Ledger(self._cap_usd, self._spent_usd, self._assumed_usd, self._assumed, self._underestimated)


def share_of(cap_usd: Decimal, part: int, whole: int) -> Decimal:
    """The part of a cap that falls to `part` of `whole`, rounded down: all shares together are never over the cap."""
    return (cap_usd * part / whole).quantize(_MICRO, ROUND_DOWN) if part < whole else cap_usd
