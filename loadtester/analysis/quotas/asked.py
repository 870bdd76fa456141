"""What a report needs of requests.csv, read in one go: the calls to each model, and how long the answers were."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from loadtester.analysis.quotas.calls import MOST_CALLS, CallLog
from loadtester.cost.lengths import Lengths
from loadtester.rundir import request_tables


class Asked(NamedTuple):
    """The first calls, for the quotas, and the lengths of all answers, for the bill, of `n_rows` requests."""

    calls: CallLog
    lengths: Lengths
    n_rows: int


def asked_of(text: Iterable[str]) -> Asked:
    """Both, from pieces of requests.csv, each of whole lines. Raises ValueError, LookupError, and OSError as `text`."""
    calls, lengths, n_rows = CallLog(), Lengths(), 0
    both = {**CallLog.KINDS, **Lengths.KINDS}
    for table in request_tables(text, lambda row: both if row < MOST_CALLS else Lengths.KINDS):
        if not calls.is_full:
            calls.add(table)
        lengths.add(table)
        n_rows += len(table)
    return Asked(calls, lengths, n_rows)
