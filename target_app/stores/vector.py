"""Unit vectors, and which of them are near: what retrieval and the semantic cache search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: One embedding, of length 1: float32, shape (dimensions,).
Embedding = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entry:
    """One vector with what it stands for."""

    id: str
    embedding: Embedding
    payload: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that is near; `similarity` is the cosine, 1 for the same direction."""

    id: str
    similarity: float
    payload: bytes


class VectorStore(Protocol):
    """Keeps entries apart by namespace. Everything raises StoreError where the store fails."""

    async def add(self, namespace: str, entries: Sequence[Entry]) -> None:
        """Add entries, each in the place of the one with its id."""

    async def nearest(self, namespace: str, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        """The nearest entries, the nearest first; none for a namespace that isn't known."""

    async def delete(self, namespace: str, entry_id: str) -> None:
        """Take an entry away, if it is there."""

    async def check(self) -> None:
        """Prove that the store can be reached. Raises StoreError."""

    async def aclose(self) -> None:
        """Let go of its connections."""


class Embedder(Protocol):
    """Turns texts into unit vectors; texts of one meaning are to lie near each other."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text: shape (len(texts), dimensions), each of length 1. Raises StoreError where it fails."""

    async def aclose(self) -> None:
        """Let go of its connections."""
