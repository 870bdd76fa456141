"""What a run asked of its models, call by call, as columns: read from the lines of requests.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
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
_READ: Final = (
    "model", "answered_by", "query", "outcome", "due_ns", "sent_ns", "done_ns", "kind",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "detail",
)  # fmt: skip


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
    """The calls to each model; plain requests, and answers from a cache, are no calls. Raises KeyError, ValueError."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for row in islice(csv.DictReader(lines), MOST_CALLS):
        model = row["answered_by"] or row["model"]
        is_cached = row["outcome"] == Outcome.OK and not row["answered_by"]
        if row["model"] and not is_cached:
            rows.setdefault(model, []).append(tuple(row[name] for name in _READ))
    return {model: _calls(model, found, max_tokens) for model, found in sorted(rows.items())}


def _calls(model: str, rows: list[tuple[str, ...]], max_tokens: int) -> Calls:
    column: Mapping[str, tuple[str, ...]] = dict(zip(_READ, zip(*rows, strict=True), strict=True))

    def moments(name: str) -> Floats:
        return np.array([float(text) * _NS if text else np.inf for text in column[name]])

    def tokens(name: str) -> Floats:
        return np.array([float(text or 0) for text in column[name]])

    sent_s = moments("sent_ns")
    outcome = np.array(column["outcome"], dtype=np.str_)
    query = np.array(column["query"], dtype=np.str_)
    written, output = tokens("cache_write_tokens"), tokens("output_tokens")
    prompt = tokens("input_tokens") + tokens("cache_read_tokens") + written
    is_refused = outcome == Outcome.THROTTLED.value
    is_admitted = ~is_refused & np.isfinite(sent_s) & (prompt + output > 0)
    charged = tokens("input_tokens") + written + output * overlay().burndown(model)
    for name in np.unique(query[is_refused]):
        like = is_admitted & (query == name)
        like = like if like.any() else is_admitted
        prompt[is_refused & (query == name)] = prompt[like].mean() if like.any() else 0.0
    order = np.argsort(sent_s, kind="stable")
    return Calls(
        due_s=moments("due_ns")[order],
        sent_s=sent_s[order],
        done_s=moments("done_ns")[order],
        query=query[order],
        is_ok=(outcome == Outcome.OK.value)[order],
        is_admitted=is_admitted[order],
        is_refused=is_refused[order],
        output=output[order],
        held=np.where(is_refused | is_admitted, prompt + max_tokens, 0.0)[order],
        charged=np.where(is_admitted, charged, 0.0)[order],
        for_requests=sum(
            "request" in detail.lower() for detail, refused in zip(column["detail"], is_refused, strict=True) if refused
        ),
    )
