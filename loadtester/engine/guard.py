"""The bounds of a run that the engine asks about before each launch; there is no guard where there is no bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Final

from loadtester.cost.budget import Budget, Ledger
from loadtester.drivers import Driver
from loadtester.engine.backoff import Backoff
from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.recorder import Probe

#: Endings of requests that were turned away before a model worked on them.
_FREE: Final = frozenset({Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.CLIENT_ERROR, Outcome.REFUSED})

Price = Callable[[str, Usage], Decimal | None]


@dataclass(frozen=True, slots=True)
class Books:
    """How a run stands to its bounds: why it was stopped by one, and what became of its budget; None for neither."""

    halted: str | None = None
    ledger: Ledger | None = None

    def merge(self, other: Books) -> Books:
        """Both together; they are those of two workers."""
        ledgers = [books.ledger for books in (self, other) if books.ledger is not None]
        return Books(self.halted or other.halted, reduce(Ledger.merge, ledgers) if ledgers else None)


class Guard:
    """Stands between the engine and its driver: admits requests, settles their bills, tries throttled ones again.

    Requests are numbered over all workers (`Request.id`), so that each knows by itself which are the first
    `max_requests`.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        price: Price,
        budget: Budget | None = None,
        max_requests: int | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._driver = driver
        self._price = price
        self._budget = budget
        self._max_requests = max_requests
        self._backoff = backoff
        self._is_spent = False
        self._halted: str | None = None

    def admits(self, request: Request) -> bool:
        """Whether the request may be sent; its money is then set aside until `send` has ended."""
        if self._max_requests is not None and request.id >= self._max_requests:
            self._halted = self._halted or f"stopped by --max-requests {self._max_requests:,}"
            return False
        if self._is_spent:
            return False
        if self._budget is not None and not self._budget.reserve(request):
            self._is_spent = True
            self._halted = self._halted or "stopped before --max-cost could be passed"
            return False
        return True

    def books(self) -> Books:
        """How things stand."""
        return Books(self._halted, None if self._budget is None else self._budget.ledger())

    def stop(self) -> None:
        """The run is stopped: try nothing again."""
        if self._backoff is not None:
            self._backoff.stop()

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one admitted request, again where it is throttled; raises what the driver raises."""
        ending: Ending | None = None
        try:
            if self._backoff is None:
                ending = await self._driver.send(request, probe)
            else:
                ending = await self._backoff.send(self._driver, request, probe)
            return ending
        finally:
            if self._budget is not None:
                self._budget.settle(request.id, self._usd(request, probe, ending))

    def _usd(self, request: Request, probe: Probe, ending: Ending | None) -> Decimal | None:
        """What it cost in USD, with all that the target asked of models for it; None where nobody says how much."""
        if not request.model:
            return Decimal(0)
        if ending is None:
            return None
        calls: tuple[tuple[str, Usage | None], ...] = ending.also_used
        if ending.usage is not None:
            calls = ((ending.model or request.model, ending.usage), *calls)
        elif ending.outcome not in _FREE or probe.n_chunks:
            return None  # a model worked on it
        total = Decimal(0)
        for model, usage in calls:
            usd = None if usage is None or usage.is_estimated else self._price(model, usage)
            if usd is None:
                return None
            total += usd
        return total
