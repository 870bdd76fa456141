"""Vectors inside the process: a matrix a namespace, and every similarity computed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from target_app.stores.errors import StoreError
from target_app.stores.vector import Embedding, Entry, Match

MAX_ENTRIES: Final = 20_000
_FIRST_ROWS: Final = 64


class NumpyVectors:
    """Keeps up to `max_entries` a namespace; over that, the one that was added first goes first. Exact."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._spaces: dict[str, _Space] = {}

    async def add(self, namespace: str, entries: Sequence[Entry]) -> None:
        """Add entries. Raises StoreError where they have other dimensions than those that are there."""
        for entry in entries:
            if namespace not in self._spaces:
                self._spaces[namespace] = _Space(len(entry.embedding))
            self._spaces[namespace].put(entry, self._max_entries)

    async def nearest(self, namespace: str, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        """The nearest entries, by comparing with each."""
        space = self._spaces.get(namespace)
        return space.nearest(embedding, limit) if space else ()

    async def delete(self, namespace: str, entry_id: str) -> None:
        """Take an entry away; a namespace goes with its last."""
        if (space := self._spaces.get(namespace)) and space.take(entry_id) == 0:
            del self._spaces[namespace]

    async def check(self) -> None:
        """This process's memory can always be reached."""

    async def aclose(self) -> None:
        """There is no connection."""


class _Space:
    """One namespace. Row i of the matrix belongs to `ids[i]`; the rows in use are the first len(ids)."""

    def __init__(self, dimensions: int) -> None:
        self._matrix: NDArray[np.float32] = np.empty((_FIRST_ROWS, dimensions), np.float32)
        self._ids: list[str] = []
        self._kept: OrderedDict[str, tuple[int, bytes]] = OrderedDict()  # row and payload, oldest first

    def put(self, entry: Entry, max_entries: int) -> None:
        """Add an entry as the newest, in the place of the one with its id."""
        self._check(entry.embedding)
        self.take(entry.id)
        if len(self._ids) >= max_entries:
            self.take(next(iter(self._kept)))
        row = len(self._ids)
        if row == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.empty_like(self._matrix)])
        self._matrix[row] = entry.embedding
        self._ids.append(entry.id)
        self._kept[entry.id] = (row, entry.payload)

    def take(self, entry_id: str) -> int:
        """Take an entry away, if it is there; the last row moves into its place. How many are left."""
        if entry_id in self._kept:
            row, _ = self._kept.pop(entry_id)
            last_id = self._ids.pop()
            if last_id != entry_id:
                self._matrix[row] = self._matrix[len(self._ids)]
                self._ids[row] = last_id
                self._kept[last_id] = (row, self._kept[last_id][1])
        return len(self._ids)

    def nearest(self, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        self._check(embedding)
        similarities = self._matrix[: len(self._ids)] @ embedding
        if 0 < limit < len(similarities):
            rows = np.argpartition(similarities, -limit)[-limit:]
        else:
            rows = np.arange(len(similarities))[: max(limit, 0)]
        rows = rows[np.argsort(-similarities[rows], kind="stable")]
        return tuple(
            Match(self._ids[row], float(similarities[row]), self._kept[self._ids[row]][1]) for row in rows.tolist()
        )

    def _check(self, embedding: Embedding) -> None:
        if len(embedding) != self._matrix.shape[1]:
            words = f"the entries have {self._matrix.shape[1]} dimensions, what was given has {len(embedding)}"
            raise StoreError("vectors", words)
