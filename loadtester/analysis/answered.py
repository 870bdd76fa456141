"""Who really answered: another model than the one asked, or the target's own cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from loadtester.analysis.report import CacheHits, Fallback
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell


def fallbacks(cells: Mapping[CellKey, Cell]) -> tuple[Fallback, ...]:
    """Answers by another model than the one asked, the commonest pair first."""
    found: Counter[tuple[str, str]] = Counter()
    for key, cell in cells.items():
        if key.model and key.answered_by and not _is_same(key.model, key.answered_by):
            found[key.model, key.answered_by] += cell.count
    return tuple(Fallback(asked, answered_by, count) for (asked, answered_by), count in found.most_common())


def cache_hits(cells: Mapping[CellKey, Cell]) -> CacheHits | None:
    """How many ok answers came from each layer of the target's cache; None where no answer said that it did."""
    ok = [cell for key, cell in cells.items() if key.outcome is Outcome.OK]
    exact, semantic = sum(cell.exact_hits for cell in ok), sum(cell.semantic_hits for cell in ok)
    if not exact and not semantic:
        return None
    return CacheHits(exact, semantic, (exact + semantic) / sum(cell.count for cell in ok))


def _is_same(asked: str, answered_by: str) -> bool:
    """Whether both name one model: an alias is answered with its dated name, a profile or an ARN with the model's."""
    alias = asked.removesuffix("-latest") + "-"
    is_dated = answered_by.startswith(alias) and answered_by.removeprefix(alias)[:1].isdigit()
    return answered_by == asked or is_dated or asked.endswith(("." + answered_by, "/" + answered_by))
