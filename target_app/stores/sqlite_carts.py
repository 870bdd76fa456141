"""Carts in SQLite: a row for each product in them."""

from __future__ import annotations

from target_app.stores.cart import CartItem
from target_app.stores.sqlite_file import SqliteFile

_ITEMS = "SELECT product_id, quantity FROM carts WHERE user_id = ? ORDER BY product_id"
_PUT = "INSERT OR REPLACE INTO carts (user_id, product_id, quantity) VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM carts WHERE user_id = ? AND product_id = ?"


class SqliteCarts:
    """Keeps carts in `file`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    async def items(self, user_id: str) -> tuple[CartItem, ...]:
        """What is in the cart, by product id."""
        return tuple(CartItem(*row) for row in await self._file.read("carts", _ITEMS, user_id))

    async def put(self, user_id: str, item: CartItem) -> None:
        """Put so many of a product into the cart."""
        row = (user_id, item.product_id, item.quantity)
        await self._file.write("carts", lambda writer: writer.execute(_PUT, row))

    async def remove(self, user_id: str, product_id: str) -> bool:
        """Take a product out of the cart; whether it was there."""
        row = (user_id, product_id)
        return await self._file.write("carts", lambda writer: writer.execute(_REMOVE, row).rowcount > 0)

    async def check(self) -> None:
        """Prove that the file can be read."""
        await self._file.read("carts", _ITEMS, "")

    async def aclose(self) -> None:
        """Close the file, for the other stores on it too."""
        await self._file.aclose()
