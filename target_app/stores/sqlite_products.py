"""Products in SQLite: a row each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from target_app.stores.product import Product
from target_app.stores.sqlite_file import Row, SqliteFile

_PRODUCT = msgspec.json.Decoder(Product)
_GET = "SELECT product FROM products WHERE id = ?"
_PAGE = "SELECT product FROM products WHERE id > ? ORDER BY id LIMIT ?"
#: SQLite's own comparisons know the case of ASCII only, so the titles are kept folded beside the product.
_SEARCH = "SELECT product FROM products WHERE instr(title, ?1) OR instr(title_ja, ?1) ORDER BY id LIMIT ?2"
_PUT = "INSERT OR REPLACE INTO products (id, title, title_ja, product) VALUES (?, ?, ?, ?)"
_DELETE = "DELETE FROM products WHERE id = ?"


class SqliteProducts:
    """Keeps products in `file`. A search compares with each title: a millisecond for a few thousand."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    async def get(self, product_id: str) -> Product | None:
        """The product, if there is one."""
        found = _decoded(await self._file.read("products", _GET, product_id))
        return found[0] if found else None

    async def page(self, after: str | None, limit: int) -> tuple[Product, ...]:
        """Products in the order of their ids, those after `after`."""
        return _decoded(await self._file.read("products", _PAGE, after or "", max(limit, 0)))

    async def search(self, text: str, limit: int) -> tuple[Product, ...]:
        """Products whose title in either language holds `text`."""
        return _decoded(await self._file.read("products", _SEARCH, text.casefold(), max(limit, 0)))

    async def put(self, product: Product) -> None:
        """Add or replace a product."""
        await self.put_many([product])

    async def put_many(self, products: Sequence[Product]) -> None:
        """Add or replace products: all or, where it fails, none."""

        def change(writer: sqlite3.Connection) -> None:
            writer.executemany(_PUT, map(_row, products))

        await self._file.write("products", change)

    async def delete(self, product_id: str) -> bool:
        """Take a product away; whether there was one."""
        return await self._file.write("products", lambda writer: writer.execute(_DELETE, (product_id,)).rowcount > 0)

    async def check(self) -> None:
        """Prove that the file can be read."""
        await self._file.read("products", _GET, "")

    async def aclose(self) -> None:
        """Close the file, for the other stores on it too."""
        await self._file.aclose()


def _row(product: Product) -> Row:
    return (product.id, product.title.casefold(), product.title_ja.casefold(), msgspec.json.encode(product))


def _decoded(rows: list[Row]) -> tuple[Product, ...]:
    return tuple(_PRODUCT.decode(row[0]) for row in rows)
