"""The products of the store: the noun, and who keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Product(msgspec.Struct, frozen=True):
    """One volume of a manga. `price_jpy` is with tax, `released` an ISO date, `id` like MGA-000123."""

    id: str
    title: str
    title_ja: str
    volume: int
    author: str
    genre: str
    price_jpy: int
    stock: int
    released: str
    summary: str


class ProductStore(Protocol):
    """Keeps the products, by id. Everything raises StoreError where the store fails."""

    async def get(self, product_id: str) -> Product | None:
        """The product, if there is one."""

    async def page(self, after: str | None, limit: int) -> tuple[Product, ...]:
        """Products in the order of their ids, those after `after` (None: from the first), at most `limit`."""

    async def search(self, text: str, limit: int) -> tuple[Product, ...]:
        """Products whose title in either language holds `text`, whatever its case, in the order of their ids."""

    async def put(self, product: Product) -> None:
        """Add a product, or put it in the place of the one with its id."""

    async def put_many(self, products: Sequence[Product]) -> None:
        """Put each of them; a failure may leave some of them put."""

    async def delete(self, product_id: str) -> bool:
        """Take a product away; whether there was one."""

    async def check(self) -> None:
        """Prove that the store can be reached. Raises StoreError."""

    async def aclose(self) -> None:
        """Let go of its connections."""
