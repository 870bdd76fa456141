"""Bytes kept for a while under a key."""

from __future__ import annotations

from typing import Protocol


class Cache(Protocol):
    """Keeps bytes until their time is over or room is needed. Everything raises StoreError where the store fails."""

    async def get(self, key: str) -> bytes | None:
        """What is kept under `key`, if anything still is."""

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for `ttl_s` seconds, in the place of what was there."""

    async def delete(self, key: str) -> None:
        """Forget what is kept under `key`."""

    async def check(self) -> None:
        """Prove that the store can be reached. Raises StoreError."""

    async def aclose(self) -> None:
        """Let go of its connections."""
