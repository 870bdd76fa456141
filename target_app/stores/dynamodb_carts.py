"""Carts in DynamoDB: a partition each, with an item for each product."""

from __future__ import annotations

from target_app.pools.meter import PoolReport
from target_app.stores.cart import CartItem
from target_app.stores.dynamodb_table import DynamoTable, Item


class DynamoCarts:
    """Keeps carts in `table`."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    async def items(self, user_id: str) -> tuple[CartItem, ...]:
        """What is in the cart, by product id, also what was put there a moment ago."""
        found = self._table.query(
            "carts",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _key(user_id, "")["pk"]},
            ConsistentRead=True,
        )
        return tuple([CartItem(item["sk"]["S"][1:], int(item["quantity"]["N"])) async for item in found])

    async def put(self, user_id: str, item: CartItem) -> None:
        """Put so many of a product into the cart."""
        row = _key(user_id, item.product_id) | {"quantity": {"N": str(item.quantity)}}
        await self._table.call("carts", "put_item", Item=row)

    async def remove(self, user_id: str, product_id: str) -> bool:
        """Take a product out of the cart; whether it was there."""
        key = _key(user_id, product_id)
        return "Attributes" in await self._table.call("carts", "delete_item", Key=key, ReturnValues="ALL_OLD")

    async def check(self) -> None:
        """Prove that the table can be read."""
        await self._table.check("carts")

    def pool(self) -> PoolReport:
        """What the table's connections did, for all stores on it."""
        return self._table.pool()

    async def aclose(self) -> None:
        """Close the client, for the other stores on it too."""
        await self._table.aclose()


def _key(user_id: str, product_id: str) -> Item:
    return {"pk": {"S": f"CART#{user_id}"}, "sk": {"S": f"#{product_id}"}}
