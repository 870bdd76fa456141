"""The production mix of MangaAssist: what its customers ask, how often, and which model answers."""

from __future__ import annotations

from typing import Final

from loadtester.scenario.scenario import QueryType

SONNET: Final = "anthropic.claude-3-sonnet-20240229-v1:0"
HAIKU: Final = "anthropic.claude-3-haiku-20240307-v1:0"

#: Shares add up to 1; 70 % of the messages go to Haiku.
PRODUCTION: Final[tuple[QueryType, ...]] = (
    QueryType("product_lookup", 0.25, HAIKU),
    QueryType("recommendation", 0.20, SONNET),
    QueryType("price_check", 0.15, HAIKU),
    QueryType("japanese_query", 0.12, HAIKU, language="ja"),
    QueryType("manga_summary", 0.10, SONNET),
    QueryType("order_status", 0.10, HAIKU),
    QueryType("greeting", 0.08, HAIKU),
)
