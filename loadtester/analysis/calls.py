"""What a run asked of its models, call by call, as columns: read from the lines of requests.csv."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.cost.overlay import overlay
from loadtester.model import Outcome

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Calls that are looked at, the first of a run: enough for a limit, and read within seconds.
MOST_CALLS: Final = 500_000

_NS: Final = 1e-9
_WORDS: Final = ("query", "outcome", "detail")
_MOMENTS: Final = ("due_ns", "sent_ns", "done_ns")
_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_READ: Final = ("model", "answered_by", *_WORDS, *_MOMENTS, *_TOKENS)


@dataclass(frozen=True, slots=True)
class Calls:
    """One row a request that was due for one model, sorted by when it was sent; all arrays have shape (n,).

    Times are in seconds from the run's start, infinite where it never came to that. A call is refused where it was
    throttled, admitted where the model worked on it, and else it never came as far as the quota. `held` is what a call
    reserves, `charged` what it is charged for at its end, 0 where it was not admitted. The prompts of refused calls are
    not on record: they are taken to be as long as the others' of their query type.
    """

    due_s: Floats
    sent_s: Floats
    done_s: Floats
    query: NDArray[np.str_]
    is_ok: Flags
    is_admitted: Flags
    is_refused: Flags
    output: Floats
    held: Floats
    charged: Floats
    #: Refusals that were said to be for the number of requests.
    for_requests: int

    def __len__(self) -> int:
        return len(self.due_s)


def calls_by_model(lines: Iterable[str], max_tokens: int) -> dict[str, Calls]:
    """The calls to each model; plain requests, and answers from a cache, are no calls. Raises ValueError."""
    reader = csv.reader(lines)
    head = next(reader, [])
    read = itemgetter(*(head.index(name) for name in _READ))
    known: dict[str, _Columns] = {}
    for row in islice(reader, MOST_CALLS):
        model, answered_by, *rest = read(row)
        is_cached = not answered_by and rest[_WORDS.index("outcome")] == Outcome.OK.value
        if model and not is_cached:
            name = answered_by or model
            if name not in known:
                known[name] = _Columns()
            known[name].add(rest)
    return {model: _calls(model, columns, max_tokens) for model, columns in sorted(known.items())}


class _Columns:
    """What is read of one model's lines, as columns: words as they come, each kept once, and numbers packed."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {name: [] for name in _WORDS}
        self._kept: dict[str, str] = {}
        self._numbers = array("d")

    def add(self, row: Sequence[str]) -> None:
        """Take the next line, in the order of _READ after the models; a moment that never came is infinite."""
        for column, word in zip(self.words.values(), row, strict=False):
            column.append(self._kept.setdefault(word, word))
        n_words, n_moments = len(_WORDS), len(_WORDS) + len(_MOMENTS)
        self._numbers.extend([float(text) if text else math.inf for text in row[n_words:n_moments]])
        self._numbers.extend([float(text) if text else 0.0 for text in row[n_moments:]])

    def numbers(self) -> dict[str, Floats]:
        """By name: moments in seconds, and tokens."""
        table = np.frombuffer(self._numbers).reshape(-1, len(_MOMENTS) + len(_TOKENS)).T.copy()
        table[: len(_MOMENTS)] *= _NS
        return dict(zip((*_MOMENTS, *_TOKENS), table, strict=True))


def _calls(model: str, columns: _Columns, max_tokens: int) -> Calls:
    words, numbers = columns.words, columns.numbers()
    sent_s = numbers["sent_ns"]
    outcome = np.array(words["outcome"], dtype=np.str_)
    query = np.array(words["query"], dtype=np.str_)
    written, output = numbers["cache_write_tokens"], numbers["output_tokens"]
    prompt = numbers["input_tokens"] + numbers["cache_read_tokens"] + written
    is_refused = outcome == Outcome.THROTTLED.value
    is_admitted = ~is_refused & np.isfinite(sent_s) & (prompt + output > 0)
    charged = numbers["input_tokens"] + written + output * overlay().burndown(model)
    for name in np.unique(query[is_refused]):
        like = is_admitted & (query == name)
        like = like if like.any() else is_admitted
        prompt[is_refused & (query == name)] = prompt[like].mean() if like.any() else 0.0
    order = np.argsort(sent_s, kind="stable")
    return Calls(
        due_s=numbers["due_ns"][order],
        sent_s=sent_s[order],
        done_s=numbers["done_ns"][order],
        query=query[order],
        is_ok=(outcome == Outcome.OK.value)[order],
        is_admitted=is_admitted[order],
        is_refused=is_refused[order],
        output=output[order],
        held=np.where(is_refused | is_admitted, prompt + max_tokens, 0.0)[order],
        charged=np.where(is_admitted, charged, 0.0)[order],
        for_requests=sum(
            "request" in detail.lower() for detail, refused in zip(words["detail"], is_refused, strict=True) if refused
        ),
    )
