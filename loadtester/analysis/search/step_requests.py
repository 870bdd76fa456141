"""The requests of one step of a search, as arrays."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.model import Outcome

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOMENTS: Final = ("due_ns", "sent_ns", "first_ns", "done_ns")
_OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)
_UNCONNECTED: Final = ("refused", "broken")
#: So many requests in a row without a connection, to the step's end, show that nobody is there.
_SILENT: Final = 5


@dataclass(frozen=True, slots=True)
class Requests:
    """A step's requests by when they were due, all of shape (n,), seconds from its start, infinite where never.

    `is_mine` are those that the goal's tags name.
    """

    due_s: Floats
    sent_s: Floats
    first_s: Floats
    done_s: Floats
    outcome: NDArray[np.int64]
    is_mine: Flags

    def had(self, *outcomes: str) -> Flags:
        """Which of them ended so."""
        return np.isin(self.outcome, [_OUTCOMES.index(name) for name in outcomes])


def requests_of(lines: Iterable[str], tags: Sequence[tuple[str, str]] = ()) -> Requests:
    """The requests of requests.csv. Raises ValueError where the lines are none of a run."""
    reader = csv.reader(lines)
    head = next(reader, [])
    read = itemgetter(*(head.index(name) for name in (*_MOMENTS, "outcome")))
    named = [(head.index(name), value) for name, value in tags]
    place = {name: float(number) for number, name in enumerate(_OUTCOMES)}
    numbers = array("d")
    for row in reader:
        *moments, outcome = read(row)
        numbers.extend([float(text) * 1e-9 if text else math.inf for text in moments])
        numbers.extend((place[outcome], all(row[column] == value for column, value in named)))
    table = np.frombuffer(numbers).reshape(-1, len(_MOMENTS) + 2)
    due_s, sent_s, first_s, done_s, outcomes, is_mine = table[np.argsort(table[:, 0], kind="stable")].T.copy()
    return Requests(due_s, sent_s, first_s, done_s, outcomes.astype(np.int64), is_mine.astype(np.bool_))


def gone_from_s(requests: Requests) -> float | None:
    """Since when, to the step's end, no request found a connection that held; None where some did, or few were left.

    At an overload some get through; of a target that died none does. Those that were never sent say nothing.
    """
    asked = ~requests.had("dropped", "cancelled")
    held = np.flatnonzero(asked & ~requests.had(*_UNCONNECTED))
    after = np.flatnonzero(asked)
    after = after[after > held[-1]] if len(held) else after
    return float(requests.due_s[after[0]]) if len(after) >= _SILENT else None
