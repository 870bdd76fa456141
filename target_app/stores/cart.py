"""The shoppers' carts: the noun, and who keeps it."""

from __future__ import annotations

from typing import Protocol

import msgspec


class CartItem(msgspec.Struct, frozen=True):
    """So many of one product."""

    product_id: str
    quantity: int


class CartStore(Protocol):
    """Keeps each user's cart. Everything raises StoreError where the store fails."""

    async def items(self, user_id: str) -> tuple[CartItem, ...]:
        """What is in the cart, by product id; nothing for a user that isn't known."""

    async def put(self, user_id: str, item: CartItem) -> None:
        """Put so many of a product into the cart, in the place of how many there were."""

    async def remove(self, user_id: str, product_id: str) -> bool:
        """Take a product out of the cart; whether it was there."""

    async def check(self) -> None:
        """Prove that the store can be reached. Raises StoreError."""

    async def aclose(self) -> None:
        """Let go of its connections."""
