"""What a run asked of its models, call by call, as columns: read from the lines of requests.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtester.cost.overlay import overlay
from loadtester.model import Outcome

if TYPE_CHECKING:
    from pandas import DataFrame

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Columns = dict[str, NDArray[Any]]

#: Calls that are looked at, the first of a run: enough for a limit, and read within seconds.
MOST_CALLS: Final = 500_000

_NS: Final = 1e-9
_WORDS: Final = ("query", "outcome", "detail")
_MOMENTS: Final = ("due_ns", "sent_ns", "done_ns")
_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_NAMES: Final = ("model", "answered_by", *_WORDS)
_READ: Final = (*_NAMES, *_MOMENTS, *_TOKENS)
#: Lines given to pandas at once, and rows in a piece of its table.
_LINES: Final = 4_096
_PIECE: Final = 100_000


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
    import pandas as pd  # noqa: PLC0415  heavy, and only reports need it

    kinds = dict.fromkeys(_NAMES, "category") | dict.fromkeys((*_MOMENTS, *_TOKENS), "float64")
    pieces = pd.read_csv(  # type: ignore[call-overload]  # the stubs want each dtype as a type of its own
        _Text(islice(lines, MOST_CALLS + 1)),
        usecols=list(_READ),
        dtype=kinds,
        keep_default_na=False,
        na_values={name: [""] for name in (*_MOMENTS, *_TOKENS)},
        chunksize=_PIECE,
        index_col=False,
    )
    known: dict[str, list[_Columns]] = defaultdict(list)
    for piece in pieces:
        asked, by = (piece[name].astype(str).to_numpy() for name in ("model", "answered_by"))
        is_call = (asked != "") & ((by != "") | (piece["outcome"] != Outcome.OK.value).to_numpy())
        named = np.where(by == "", asked, by)
        for model in np.unique(named[is_call]).tolist():
            known[model].append(_columns(piece[is_call & (named == model)]))
    return {
        model: _calls(model, {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}, max_tokens)
        for model, parts in sorted(known.items())
    }


class _Text:
    """Lines as a file that pandas reads from; owns what it has not yet given away."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def read(self, _size: int = -1) -> str:
        """The next lines, with their ends; nothing at the end."""
        return "".join(f"{line}\n" for line in islice(self._lines, _LINES))


def _columns(piece: DataFrame) -> _Columns:
    """By name: words, moments in seconds (infinite where one never came), and tokens."""
    words = {name: piece[name].astype(str).to_numpy(dtype=np.str_) for name in _WORDS}
    moments = {name: piece[name].fillna(np.inf).to_numpy() * _NS for name in _MOMENTS}
    return {**words, **moments, **{name: piece[name].fillna(0.0).to_numpy() for name in _TOKENS}}


def _calls(model: str, columns: _Columns, max_tokens: int) -> Calls:
    sent_s, outcome, query = columns["sent_ns"], columns["outcome"], columns["query"]
    written, output = columns["cache_write_tokens"], columns["output_tokens"]
    prompt = columns["input_tokens"] + columns["cache_read_tokens"] + written
    is_refused = outcome == Outcome.THROTTLED.value
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
        is_ok=(outcome == Outcome.OK.value)[order],
        is_admitted=is_admitted[order],
        is_refused=is_refused[order],
        output=output[order],
        held=np.where(is_refused | is_admitted, prompt + max_tokens, 0.0)[order],
        charged=np.where(is_admitted, charged, 0.0)[order],
        for_requests=sum("request" in detail.lower() for detail in columns["detail"][is_refused].tolist()),
    )
