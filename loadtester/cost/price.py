"""What a model's tokens cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """USD per 1M tokens of a model, standard on-demand tier.

    `output` is None where none is listed (embeddings). Where a cache price is not listed, cached tokens cost what input
    tokens do. `cache_write` is the price of the shorter lifetime (5 minutes) where there are two. Where long prompts
    cost more, the prices hold for requests of up to `up_to_input_tokens` input tokens, cached ones included.
    """

    input: Decimal
    output: Decimal | None
    cache_read: Decimal
    cache_write: Decimal
    source: str
    up_to_input_tokens: int | None = None
