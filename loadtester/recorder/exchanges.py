"""Exchanges that are kept to be looked at: which of a run's, and what is written down of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from loadtester.model import Outcome, Usage


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """One request and its answer, texts redacted and cut; moments in ns from the run's start.

    `prompt_chars` and `answer_chars` are the lengths of the texts as they were. Of a request that was tried again, the
    answer is that of the last attempt. `draw` is a random number that seed and request decide.
    """

    id: int
    query: str
    kind: str
    model: str
    answered_by: str | None
    session: str
    turn: int
    worker: int
    due_ns: int
    sent_ns: int | None
    first_ns: int | None
    done_ns: int | None
    outcome: Outcome
    detail: str | None
    finish_reason: str | None
    retries: int
    usage: Usage | None
    usd: Decimal | None
    prompt: str
    prompt_chars: int
    answer: str
    answer_chars: int
    draw: int


class Bounds:
    """How many exchanges are kept: counts those that were, and tells whether there is room for one more.

    Of `keep` failing ones at most half end alike, and at most a quarter with the same detail; the first of each outcome
    is kept in any case. Of the good ones, half as many as `keep`, at least one: those with the lowest draws, which is a
    uniform sample of all, whoever made it of however many parts (P. Cohen, H. Kaplan, "Summarizing data using bottom-k
    sketches", PODC 2007).
    """

    def __init__(self, keep: int) -> None:
        self.good = -(-keep // 2)
        self._keep = keep
        self._alike = -(-keep // 4)
        self._total = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._details: Counter[tuple[Outcome, str]] = Counter()

    def has_room(self, outcome: Outcome, detail: str | None) -> bool:
        """Whether a failing exchange is to be kept; it then counts."""
        key = (outcome, detail or "")
        is_first = outcome not in self._outcomes
        is_room = self._total < self._keep and self._outcomes[outcome] < self.good and self._details[key] < self._alike
        if not (is_first or is_room):
            return False
        self._total += 1
        self._outcomes[outcome] += 1
        self._details[key] += 1
        return True


def chosen(exchanges: Iterable[Exchange], keep: int) -> tuple[Exchange, ...]:
    """Of what several workers kept, each by itself, what one would have kept; in order of when it was due."""
    bounds = Bounds(keep)
    good, failed = [], []
    for one in exchanges:
        if one.outcome is Outcome.OK:
            good.append(one)
        elif bounds.has_room(one.outcome, one.detail):
            failed.append(one)
    good.sort(key=lambda one: (one.draw, one.id))
    return tuple(sorted([*failed, *good[: bounds.good]], key=lambda one: (one.due_ns, one.id)))
