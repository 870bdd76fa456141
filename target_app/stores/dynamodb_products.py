"""Products in DynamoDB: an item each, all in one partition, where they are in the order of their ids."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import reduce
from typing import Any, Final

import msgspec

from target_app.batching import UNPROCESSED, BatchCounts, Batcher, BatchError, Unprocessed
from target_app.pools.meter import PoolReport
from target_app.stores.dynamodb_table import DynamoTable, Item
from target_app.stores.errors import StoreError
from target_app.stores.product import Product

#: Items a BatchWriteItem may have, and how many of those are under way at once while the catalogue is put.
_BATCH: Final = 25
_AT_ONCE: Final = 4

_PRODUCT = msgspec.json.Decoder(Product)


class DynamoProducts:
    """Keeps products in `table`.

    One partition serves some 3,000 reads a second. A search reads all of it (a catalogue of 4,000 is some 2 MB), as
    DynamoDB has no index that could.
    """

    def __init__(self, table: DynamoTable) -> None:
        self._table = table
        self._writing: list[Batcher[Product, None]] = []
        self._written = BatchCounts(0, 0, 0, 0, 0)

    async def get(self, product_id: str) -> Product | None:
        """The product, if there is one."""
        answer = await self._table.call("products", "get_item", Key=_key(product_id), ConsistentRead=True)
        return _product(answer["Item"]) if "Item" in answer else None

    async def page(self, after: str | None, limit: int) -> tuple[Product, ...]:
        """Products in the order of their ids, those after `after`."""
        return await self._found(
            limit,
            KeyConditionExpression="pk = :pk AND sk > :after",
            ExpressionAttributeValues={":pk": _PARTITION, ":after": {"S": _sort_key(after or "")}},
            ConsistentRead=True,
            Limit=limit,
        )

    async def search(self, text: str, limit: int) -> tuple[Product, ...]:
        """Products whose title in either language holds `text`."""
        if not text:
            return await self.page(None, limit)
        return await self._found(
            limit,
            KeyConditionExpression="pk = :pk",
            FilterExpression="contains(title, :text) OR contains(title_ja, :text)",
            ExpressionAttributeValues={":pk": _PARTITION, ":text": {"S": text.casefold()}},
            ConsistentRead=True,
        )

    async def put(self, product: Product) -> None:
        """Add or replace a product."""
        await self._table.call("products", "put_item", Item=_item(product))

    async def put_many(self, products: Sequence[Product]) -> None:
        """Add or replace products, 25 a call; what DynamoDB did not get round to is sent again."""
        different = list({product.id: product for product in products}.values())  # a batch takes each key once
        batcher: Batcher[Product, None] = Batcher(self._write, size=_BATCH, max_wait_s=0.0)
        self._writing.append(batcher)
        try:
            for start in range(0, len(different), _BATCH * _AT_ONCE):
                chunk = different[start : start + _BATCH * _AT_ONCE]
                async with asyncio.TaskGroup() as group:
                    for product in chunk:
                        group.create_task(batcher.submit(product))
        except* (BatchError, StoreError) as errors:
            reason = next(iter(errors.exceptions))
            raise reason if isinstance(reason, StoreError) else StoreError("products", str(reason)) from None
        finally:
            try:
                await batcher.aclose()
            finally:
                self._writing.remove(batcher)
                self._written = self._written.merge(batcher.counts())

    def batches(self) -> BatchCounts:
        """How products travelled that were put many at a time."""
        return reduce(BatchCounts.merge, [batcher.counts() for batcher in self._writing], self._written)

    async def delete(self, product_id: str) -> bool:
        """Take a product away; whether there was one."""
        answer = await self._table.call("products", "delete_item", Key=_key(product_id), ReturnValues="ALL_OLD")
        return "Attributes" in answer

    async def check(self) -> None:
        """Prove that the table can be read."""
        await self._table.check("products")

    def pool(self) -> PoolReport:
        """What the table's connections did, for all stores on it."""
        return self._table.pool()

    async def aclose(self) -> None:
        """Close the client, for the other stores on it too."""
        await self._table.aclose()

    async def _found(self, limit: int, **request: Any) -> tuple[Product, ...]:
        found: list[Product] = []
        if limit > 0:
            async with aclosing(self._table.query("products", **request)) as items:
                async for item in items:
                    found.append(_product(item))
                    if len(found) == limit:
                        break
        return tuple(found)

    async def _write(self, products: Sequence[Product]) -> list[Unprocessed | None]:
        left = await self._table.write("products", [_item(product) for product in products])
        keys = {item["sk"]["S"] for item in left}
        return [UNPROCESSED if _sort_key(product.id) in keys else None for product in products]


_PARTITION: Final = {"S": "PRODUCT"}


def _sort_key(product_id: str) -> str:
    return f"#{product_id}"


def _key(product_id: str) -> Item:
    return {"pk": _PARTITION, "sk": {"S": _sort_key(product_id)}}


def _item(product: Product) -> Item:
    """The product as JSON, and beside it what a search compares with."""
    return _key(product.id) | {
        "title": {"S": product.title.casefold()},
        "title_ja": {"S": product.title_ja.casefold()},
        "product": {"S": msgspec.json.encode(product).decode()},
    }


def _product(item: Item) -> Product:
    return _PRODUCT.decode(item["product"]["S"])
