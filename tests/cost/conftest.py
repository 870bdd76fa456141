"""Prices and a bill whose truth is known by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from loadtester.cost import price_table
from loadtester.cost.bill import CACHE, Line, Tariff, numbered
from loadtester.scenario.mix import HAIKU, SONNET


@pytest.fixture(scope="session")
def tariff():
    """The published prices of one day."""
    return Tariff(price_table({}, at=datetime(2026, 11, 21, tzinfo=UTC)))


@pytest.fixture
def lines():
    """Half to Haiku at $0.000375 a message, three tenths to Sonnet at $0.0045, a fifth answered by a cache."""
    tokens = {"input": Decimal(500), "output": Decimal(200)}
    return numbered(
        [
            Line("easy", HAIKU, Decimal("0.5"), **tokens),
            Line("hard", SONNET, Decimal("0.3"), **tokens, is_cacheable=False),
            Line("easy", CACHE, Decimal("0.2")),
        ]
    )
