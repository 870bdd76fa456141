"""How many connections MangaAssist keeps to each service, and how long it waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Connections kept warm and at most; seconds for opening one, for one answer, and for a free connection."""

    min_size: int
    max_size: int
    connect_s: float
    read_s: float
    checkout_s: float
    idle_s: float = 300.0
    health_check_s: float = 60.0


#: By service. PostgreSQL stands where OpenSearch would, so it gets what OpenSearch gets.
LIMITS: Final = MappingProxyType(
    {
        "bedrock": PoolLimits(5, 50, 3.0, 10.0, 2.0),
        "dynamodb": PoolLimits(3, 30, 2.0, 5.0, 5.0),
        "opensearch": PoolLimits(3, 20, 3.0, 5.0, 5.0),
        "postgresql": PoolLimits(3, 20, 3.0, 5.0, 5.0),
        "redis": PoolLimits(5, 100, 1.0, 1.0, 0.5),
    }
)
