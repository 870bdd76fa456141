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
_FIRST_ENTRIES: Final = 64


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
    """One namespace. Column i of the matrix belongs to `ids[i]`; the columns in use are the first len(ids).

    An entry is a column because an embedding by wording is nearly all zeros: then a question reads some forty rows, and
    not a matrix that is larger than the processor's caches.
    """

    def __init__(self, dimensions: int) -> None:
        self._matrix: NDArray[np.float32] = np.zeros((dimensions, _FIRST_ENTRIES), np.float32)
        self._ids: list[str] = []
        self._kept: OrderedDict[str, tuple[int, bytes]] = OrderedDict()  # column and payload, oldest first

    def put(self, entry: Entry, max_entries: int) -> None:
        """Add an entry as the newest, in the place of the one with its id."""
        self._check(entry.embedding)
        self.take(entry.id)
        if len(self._ids) >= max_entries:
            self.take(next(iter(self._kept)))
        column = len(self._ids)
        if column == self._matrix.shape[1]:
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)], axis=1)
        self._matrix[:, column] = entry.embedding
        self._ids.append(entry.id)
        self._kept[entry.id] = (column, entry.payload)

    def take(self, entry_id: str) -> int:
        """Take an entry away, if it is there; the last column moves into its place. How many are left."""
        if entry_id in self._kept:
            column, _ = self._kept.pop(entry_id)
            last_id = self._ids.pop()
            if last_id != entry_id:
                self._matrix[:, column] = self._matrix[:, len(self._ids)]
                self._ids[column] = last_id
                self._kept[last_id] = (column, self._kept[last_id][1])
        return len(self._ids)

    def nearest(self, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        self._check(embedding)
        said = np.flatnonzero(embedding)
        matrix = self._matrix[:, : len(self._ids)]
        similarities = embedding[said] @ matrix[said] if len(said) < len(embedding) // 4 else embedding @ matrix
        if 0 < limit < len(similarities):
            columns = np.argpartition(similarities, -limit)[-limit:]
        else:
            columns = np.arange(len(similarities))[: max(limit, 0)]
        columns = columns[np.argsort(-similarities[columns], kind="stable")]
        return tuple(
            Match(self._ids[column], float(similarities[column]), self._kept[self._ids[column]][1])
            for column in columns.tolist()
        )

    def _check(self, embedding: Embedding) -> None:
        if len(embedding) != self._matrix.shape[0]:
            words = f"the entries have {self._matrix.shape[0]} dimensions, what was given has {len(embedding)}"
            raise StoreError("vectors", words)
