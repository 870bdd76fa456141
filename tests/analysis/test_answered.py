"""Who really answered."""

import pytest

from loadtester.analysis.answered import cache_hits, fallbacks
from loadtester.analysis.report import CacheHits, Fallback
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def test_fallbacks_are_counted_by_pair():
    """Over query types and outcomes, the commonest pair first; refusals, which nobody answered, are none."""
    cells = {
        CellKey("a", "ai", SONNET, SONNET, Outcome.OK): Cell(count=50),
        CellKey("a", "ai", SONNET, HAIKU, Outcome.OK): Cell(count=2),
        CellKey("b", "ai", SONNET, HAIKU, Outcome.TRUNCATED): Cell(count=3),
        CellKey("b", "ai", HAIKU, SONNET, Outcome.OK): Cell(count=1),
        CellKey("b", "ai", SONNET, "", Outcome.THROTTLED): Cell(count=9),
        CellKey("c", "crud", "", HAIKU, Outcome.OK): Cell(count=9),
    }
    assert fallbacks(cells) == (Fallback(SONNET, HAIKU, 5), Fallback(HAIKU, SONNET, 1))


@pytest.mark.parametrize(
    ("asked", "answered_by"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        (f"us.{HAIKU}", HAIKU),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", HAIKU),
    ],
)
def test_another_name_for_the_same_model_is_no_fallback(asked, answered_by):
    """An alias is answered with a dated name, a profile or an ARN with the model's own."""
    assert fallbacks({CellKey("a", "ai", asked, answered_by, Outcome.OK): Cell(count=1)}) == ()


def test_a_longer_name_is_another_model():
    """Only a date or a version may follow an alias."""
    cells = {CellKey("a", "ai", "gpt-4", "gpt-4o-mini", Outcome.OK): Cell(count=1)}
    assert fallbacks(cells) == (Fallback("gpt-4", "gpt-4o-mini", 1),)


def test_the_hit_rate_is_over_ok_answers():
    """Both layers together; a target that never tells of a hit has no rate, rather than none."""
    ok = CellKey("a", "ai", HAIKU, HAIKU, Outcome.OK)
    cut = CellKey("a", "ai", HAIKU, HAIKU, Outcome.TRUNCATED)
    cells = {ok: Cell(count=40, exact_hits=6, semantic_hits=4), cut: Cell(count=60)}
    assert cache_hits(cells) == CacheHits(exact=6, semantic=4, rate=0.25)
    assert cache_hits({ok: Cell(count=40)}) is None
