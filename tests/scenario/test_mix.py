"""The production mix is MangaAssist's."""

from __future__ import annotations

from decimal import Decimal

from loadtester.scenario.mix import HAIKU, PRODUCTION, SONNET


def test_shares_are_the_whole():
    """The shares of the seven query types add up to exactly 1, and 70 % of the messages go to Haiku."""
    shares = {query.name: Decimal(str(query.share)) for query in PRODUCTION}
    assert len(shares) == len(PRODUCTION) == 7
    assert sum(shares.values()) == 1
    assert sum(shares[query.name] for query in PRODUCTION if query.model == HAIKU) == Decimal("0.70")


def test_the_hard_questions_go_to_sonnet():
    """Recommendations and summaries ask Sonnet; everything else asks Haiku, and all of it is AI traffic."""
    assert {query.name for query in PRODUCTION if query.model == SONNET} == {"recommendation", "manga_summary"}
    assert {query.model for query in PRODUCTION} == {SONNET, HAIKU}
    assert {query.kind for query in PRODUCTION} == {"ai"}
