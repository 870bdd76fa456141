"""What a request may cost at worst, before anybody knows what it did cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from loadtester.model import Request, Usage
from loadtester.plan.service import Service, service_of
from loadtester.recorder import Price
from loadtester.scenario import Scenario
from loadtester.workload import estimate

#: Tokens of a prompt over what is estimated for it: tokenizers differ, and an estimate is not the dearest of them.
SAFETY_FACTOR: Final = 1.5


def worst_case(scenario: Scenario, price: Price) -> Callable[[Request], Decimal]:
    """Gives a request's worst case in USD: its longest prompt, all of it written to a prompt cache if that costs more.

    With it the longest answer. Plain requests cost nothing, and so does a model without a price: a run that has a
    budget and such a model does not start.
    """
    service = service_of(scenario)

    def worst_usd(request: Request) -> Decimal:
        if not request.model:
            return Decimal(0)
        prompt = _prompt_tokens(request, service)
        usages = (Usage(prompt, request.max_tokens), Usage(0, request.max_tokens, cache_write=prompt))
        return max(price(request.model, usage) or Decimal(0) for usage in usages)

    return worst_usd


def _prompt_tokens(request: Request, service: Service) -> int:
    """The question, what the service adds to it, and the exchanges before, each with an answer of full length."""
    own = estimate(request.prompt)
    if not request.is_bare:
        exchanges = min(request.turn - 1, service.history_exchanges)
        history = min(exchanges * (own + request.max_tokens), service.history_chars)
        own += history + max(service.english_tokens, service.japanese_tokens)
    return math.ceil(own * SAFETY_FACTOR)
