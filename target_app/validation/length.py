"""How long an answer may be: bounds that only an answer gone wrong breaks, empty, cut or running on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

#: Fewest and most characters by query type. The upper ones are some four times a usual English answer, whose
#: characters are about twice those of a Japanese one; the lower ones the shortest Japanese one ("880円です。").
BOUNDS_CHARS: Final = MappingProxyType(
    {
        "greeting": (2, 600),
        "price_check": (4, 900),
        "order_status": (4, 900),
        "product_lookup": (4, 1_200),
        "japanese_query": (4, 1_500),
        "recommendation": (20, 5_000),
        "manga_summary": (40, 6_000),
    }
)
OTHER_BOUNDS_CHARS: Final = (1, 6_000)


def length_fault(answer: str, bounds_chars: tuple[int, int]) -> str | None:
    """What is wrong with an answer's length, spaces around it left out."""
    fewest, most = bounds_chars
    n_chars = len(answer.strip())
    if n_chars < fewest:
        return f"{n_chars} characters, fewer than {fewest}"
    return f"{n_chars} characters, more than {most}" if n_chars > most else None
