"""Sessions in DynamoDB: an item each, with its exchanges in a list."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Final

from target_app.pools.meter import PoolReport
from target_app.stores.dynamodb_table import ConditionFailedError, DynamoTable, Item
from target_app.stores.sessions import MAX_CHARS, MAX_EXCHANGES, Exchange, newest

#: How long after its last exchange DynamoDB's time to live may take a session away.
KEPT_S: Final = 30 * 24 * 3600

_ADD: Final = (
    "SET exchanges = list_append(if_not_exists(exchanges, :none), :new), last_added = :added, expires_s = :expires"
)
#: An attempt whose answer got lost may have added the exchange; then the SDK's next attempt fails by this.
_IS_NEW: Final = "attribute_not_exists(last_added) OR last_added <> :added"


class DynamoSessions:
    """Keeps sessions in `table`. An exchange is added by one call; a second one trims what is over the bounds."""

    def __init__(
        self,
        table: DynamoTable,
        max_exchanges: int = MAX_EXCHANGES,
        max_chars: int = MAX_CHARS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._max_exchanges = max_exchanges
        self._max_chars = max_chars
        self._clock = clock

    async def history(self, session_id: str) -> tuple[Exchange, ...]:
        """The session's exchanges, oldest first, also those that were added a moment ago."""
        answer = await self._table.call("sessions", "get_item", Key=_key(session_id), ConsistentRead=True)
        return self._newest(_exchanges(answer.get("Item", {})))

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Add an exchange, and let go of what is over the bounds. Appends at the same time are all kept."""
        if not self._newest((exchange,)):  # none of a session is left with it, and it may be too large for an item
            await self._table.call("sessions", "delete_item", Key=_key(session_id))
            return
        added = {"S": uuid.uuid4().hex}
        values = {
            ":none": {"L": []},
            ":new": {"L": [{"M": {"question": {"S": exchange.question}, "answer": {"S": exchange.answer}}}]},
            ":added": added,
            ":expires": {"N": str(int(self._clock()) + KEPT_S)},
        }
        try:
            answer = await self._table.call(
                "sessions",
                "update_item",
                Key=_key(session_id),
                UpdateExpression=_ADD,
                ConditionExpression=_IS_NEW,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except ConditionFailedError:
            return
        exchanges = _exchanges(answer["Attributes"])
        await self._trim(session_id, len(exchanges) - len(self._newest(exchanges)), added)

    async def check(self) -> None:
        """Prove that the table can be read."""
        await self._table.check("sessions")

    def pool(self) -> PoolReport:
        """What the table's connections did, for all stores on it."""
        return self._table.pool()

    async def aclose(self) -> None:
        """Close the client, for the other stores on it too."""
        await self._table.aclose()

    async def _trim(self, session_id: str, n_over: int, added: dict[str, str]) -> None:
        """Take the oldest away, unless someone has added to the session since: then they do it."""
        if n_over == 0:
            return
        # DynamoDB counts places before anything is removed, MiniStack after each: from the end both mean the same.
        places = ", ".join(f"exchanges[{place}]" for place in reversed(range(n_over)))
        try:
            await self._table.call(
                "sessions",
                "update_item",
                Key=_key(session_id),
                UpdateExpression=f"REMOVE {places}",
                ConditionExpression="last_added = :added",
                ExpressionAttributeValues={":added": added},
            )
        except ConditionFailedError:
            return

    def _newest(self, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
        return newest(exchanges, self._max_exchanges, self._max_chars)


def _key(session_id: str) -> Item:
    return {"pk": {"S": f"SESSION#{session_id}"}, "sk": {"S": "-"}}


def _exchanges(item: Item) -> tuple[Exchange, ...]:
    kept = [entry["M"] for entry in item.get("exchanges", {"L": []})["L"]]
    return tuple(Exchange(entry["question"]["S"], entry["answer"]["S"]) for entry in kept)
