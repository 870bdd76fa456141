"""What a run asked of its models, call by call, as columns: read from the lines of requests.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtester.cost.overlay import overlay
from loadtester.model import Outcome
from loadtester.rundir import request_tables

if TYPE_CHECKING:
    from pandas import DataFrame

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Columns = dict[str, NDArray[Any]]

#: Calls that are looked at, the first of a run: enough for a limit, and read within seconds.
MOST_CALLS: Final = 500_000

_NS: Final = 1e-9
_MOMENTS: Final = ("due_ns", "sent_ns", "done_ns")
_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_NAMES: Final = ("model", "answered_by", "query", "outcome", "detail")
_READ: Final = frozenset((*_NAMES, *_MOMENTS, *_TOKENS))


@dataclass(frozen=True, slots=True)
class Calls:
    """One row a request that was due for one model, sorted by when it was sent; all arrays have shape (n,).

    Times are in seconds from the run's start, infinite where it never came to that. A call is refused where it was
    throttled, admitted where the model worked on it, and else it never came as far as the quota. `held` is what a call
    reserves, `charged` what it is charged for at its end, 0 where it was not admitted. The prompts of refused calls are
    not on record: they are taken to be as long as the others' of their query type. A call `is_retried` that was
    refused when it was first sent, at `sent_s`, and got in later, nobody knows when.
    """

    due_s: Floats
    sent_s: Floats
    done_s: Floats
    #: Which of the run's query types, as a number.
    query: NDArray[np.int32]
    is_ok: Flags
    is_admitted: Flags
    is_refused: Flags
    is_retried: Flags
    output: Floats
    held: Floats
    charged: Floats
    #: Refusals that were said to be for the number of requests.
    for_requests: int

    def __len__(self) -> int:
        return len(self.due_s)


class CallLog:
    """The first calls of a run, as columns, from tables of its requests.csv; owns them until they are asked for.

    Plain requests, and answers from a cache, are no calls.
    """

    #: What is read of requests.csv.
    KINDS: Final[Mapping[str, str]] = {
        **dict.fromkeys((*_NAMES, "cache"), "category"),
        **dict.fromkeys((*_MOMENTS, *_TOKENS, "attempts"), "float64"),
    }

    __slots__ = ("_known", "_n_rows", "_queries")

    def __init__(self) -> None:
        self._known: defaultdict[str, list[_Columns]] = defaultdict(list)
        self._queries: dict[str, int] = {}
        self._n_rows = 0

    @property
    def is_full(self) -> bool:
        """Whether it takes no more rows."""
        return self._n_rows >= MOST_CALLS

    def add(self, table: DataFrame) -> None:
        """Take in some rows, as far as there are not MOST_CALLS yet. Raises ValueError where a column is missing."""
        if missing := _READ.difference(table.columns):
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        table = table[: MOST_CALLS - self._n_rows]
        self._n_rows += len(table)
        columns = _columns(table, self._queries)
        asked, by = table["model"].cat, table["answered_by"].cat
        is_asked, is_answered = ~_is(asked, ""), ~_is(by, "")
        is_call = is_asked & (is_answered | ~columns["is_ok"]) & ~columns["is_hit"]
        for model in sorted({*asked.categories, *by.categories} - {""}):
            mine = np.flatnonzero(is_call & np.where(is_answered, _is(by, model), _is(asked, model)))
            if len(mine):
                self._known[model].append({name: column[mine] for name, column in columns.items()})

    def by_model(self, max_tokens: int) -> dict[str, Calls]:
        """The calls to each model; they are given away."""
        found = {}
        for model in sorted(self._known):
            parts = self._known.pop(model)
            found[model] = _calls(
                model, {name: np.concatenate([one.pop(name) for one in parts]) for name in list(parts[0])}, max_tokens
            )
        return found


def call_log(text: Iterable[str]) -> CallLog:
    """The calls in pieces of requests.csv, each of whole lines; raises ValueError."""
    log = CallLog()
    for table in request_tables(text, lambda _row: CallLog.KINDS):
        log.add(table)
        if log.is_full:
            break
    return log


def _columns(table: DataFrame, queries: dict[str, int]) -> _Columns:
    """By name: query types, what became of them, moments in seconds (infinite where one never came), and tokens.

    Query types have the numbers that `queries` gives them; it learns those that it has not.
    """
    outcome, query, detail = table["outcome"].cat, table["query"].cat, table["detail"].cat
    numbers = np.array([queries.setdefault(str(name), len(queries)) for name in query.categories], dtype=np.int32)
    tells = np.array(["request" in words.lower() for words in detail.categories], dtype=np.bool_)
    is_refused = _is(outcome, Outcome.THROTTLED.value)
    no = np.zeros(len(table), dtype=np.bool_)
    return {
        "query": numbers[query.codes.to_numpy()],
        "is_ok": _is(outcome, Outcome.OK.value),
        "is_refused": is_refused,
        "is_for_requests": is_refused & tells[detail.codes.to_numpy()],
        "is_hit": ~_is(table["cache"].cat, "") if "cache" in table else no,
        "is_retried": table["attempts"].to_numpy() > 1 if "attempts" in table else no,
        **{name: table[name].fillna(np.inf).to_numpy() * _NS for name in _MOMENTS},
        **{name: table[name].fillna(0.0).to_numpy() for name in _TOKENS},
    }


def _is(column: Any, word: str) -> Flags:
    """Where a column of words, held as codes, has this one."""
    codes: NDArray[np.int64] = column.codes.to_numpy()
    return (
        codes == column.categories.get_loc(word) if word in column.categories else np.zeros(len(codes), dtype=np.bool_)
    )


def _calls(model: str, columns: _Columns, max_tokens: int) -> Calls:
    sent_s, query, is_refused = columns["sent_ns"], columns["query"], columns["is_refused"]
    written, output = columns["cache_write_tokens"], columns["output_tokens"]
    prompt = columns["input_tokens"] + columns["cache_read_tokens"] + written
    is_admitted = ~is_refused & np.isfinite(sent_s) & (prompt + output > 0)
    charged = columns["input_tokens"] + written + output * overlay().burndown(model)
    for name in np.unique(query[is_refused]):
        like = is_admitted & (query == name)
        like = like if like.any() else is_admitted
        prompt[is_refused & (query == name)] = prompt[like].mean() if like.any() else 0.0
    order = np.argsort(sent_s, kind="stable")
    return Calls(
        due_s=columns["due_ns"][order],
        sent_s=sent_s[order],
        done_s=columns["done_ns"][order],
        query=query[order],
        is_ok=columns["is_ok"][order],
        is_admitted=is_admitted[order],
        is_refused=is_refused[order],
        is_retried=(is_admitted & columns["is_retried"])[order],
        output=output[order],
        held=np.where(is_refused | is_admitted, prompt + max_tokens, 0.0)[order],
        charged=np.where(is_admitted, charged, 0.0)[order],
        for_requests=int(np.count_nonzero(columns["is_for_requests"])),
    )
