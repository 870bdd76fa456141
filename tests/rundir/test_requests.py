"""Requests are read back in tables, however their text comes in pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.rundir import requests

ROWS = [f"{i},q{i % 3},{'' if i % 4 else i / 2}" for i in range(40)]
KINDS = {"id": "float64", "query": "category", "took": "float64", "unknown": "category"}


def _tables(pieces, block_bytes, kinds_at=lambda _row: KINDS):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "_BLOCK_BYTES", block_bytes)
        return list(requests.request_tables(pieces, kinds_at))


def _read(pieces, block_bytes):
    tables = _tables(pieces, block_bytes)
    rows = [row for table in tables for row in table.itertuples(index=False, name=None)]
    return len(tables), [(int(i), query, None if took != took else took) for i, query, took in rows]  # noqa: PLR0124  nan


@given(st.lists(st.integers(1, 40)), st.integers(1, 400), st.booleans())
def test_pieces_and_blocks_leave_no_trace(cuts, block_bytes, has_ends):
    """Each row is there once and in order, wherever pieces and blocks end, and whether or not their last lines do."""
    lines, edges = ["id,query,took", *ROWS], sorted({0, *cuts, 41})
    pieces = ["\n".join(lines[a:b]) + ("\n" if has_ends else "") for a, b in pairwise(edges)]
    n_tables, rows = _read(pieces, block_bytes)
    assert rows == [(i, f"q{i % 3}", None if i % 4 else i / 2) for i in range(40)]
    assert n_tables <= len(pieces)


def test_columns_are_asked_for_table_by_table():
    """What a table is to have may depend on how many rows came before it."""
    asked = []

    def kinds_at(row):
        asked.append(row)
        return {"id": "float64"} if row < 20 else {"query": "category"}

    pieces = ["id,query,took\n", *(f"{row}\n" for row in ROWS)]
    tables = _tables(pieces, 80, kinds_at)
    assert len(tables) > 3
    assert asked == [sum(map(len, tables[:i])) for i in range(len(tables))]
    assert [list(table.columns) for table in tables] == [["id"] if row < 20 else ["query"] for row in asked]


@pytest.mark.parametrize("pieces", [[], [""], ["id,query,took"], ["id,query,took\n"]])
def test_no_row_makes_no_table(pieces):
    """A run of no request, or whose file was never begun, has none."""
    assert _read(pieces, 100) == (0, [])


def test_what_is_no_number_is_refused():
    """A text that was written by no run raises."""
    with pytest.raises(ValueError, match="lots"):
        _read(["id,query,took\n1,q,lots\n"], 100)
