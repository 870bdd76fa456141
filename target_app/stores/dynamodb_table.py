"""One DynamoDB table for sessions, products and carts, and the one client that reaches it.

Every item has a partition key `pk` and a sort key `sk`. What they begin with is ours, what a caller gives follows after
it: no id can name another kind of item, and an empty one is still a key.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, Final, cast

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError

from target_app.endpoint import Endpoint
from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.meter import PoolReport
from target_app.pools.places import CheckoutTimeoutError, Places
from target_app.stores.errors import StoreError

#: Attempts at a call in all, the SDK's, with its backoff: a DynamoDB that refuses connections is known after 1.5 s.
ATTEMPTS: Final = 3
#: AWS takes some seconds to create a table.
_CREATION: Final = {"Delay": 1, "MaxAttempts": 60}

#: What an emulator on this machine is asked with: it gets no credentials and no settings of the user's.
_EMULATOR_KEY: Final = ("AKIDMANGAASSISTLOCAL", "not-a-secret")
_NO_SETTINGS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

Item = dict[str, Any]


class ConditionFailedError(Exception):
    """The condition of a write did not hold."""


class DynamoTable:
    """The table `name` in `region`, or at `endpoint`; the client is made at the first call and lives until the end.

    At most `limits.max_size` calls are under way, and one may take connecting and reading together, with all of its
    attempts. Owns the client: the stores on it are closed together.
    """

    def __init__(
        self,
        region: str,
        name: str,
        *,
        endpoint: str | None = None,
        limits: PoolLimits = LIMITS["dynamodb"],
        attempts: int = ATTEMPTS,
    ) -> None:
        self.name = name
        self._endpoint = Endpoint(region, endpoint)
        self._attempts = attempts
        self._limits = limits
        self._places = Places(limits)
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._is_closed = False

    async def call(self, store: str, operation: str, **request: object) -> dict[str, Any]:
        """One call about the table. Raises StoreError, and ConditionFailedError where the request has a condition."""
        return await self._send(store, operation, TableName=self.name, **request)

    async def write(self, store: str, puts: list[Item]) -> list[Item]:
        """Put up to 25 items with different keys; those that DynamoDB did not get round to. Raises StoreError."""
        requests = {self.name: [{"PutRequest": {"Item": item}} for item in puts]}
        answer = await self._send(store, "batch_write_item", RequestItems=requests)
        return [request["PutRequest"]["Item"] for request in answer.get("UnprocessedItems", {}).get(self.name, ())]

    async def query(self, store: str, **request: object) -> AsyncGenerator[Item, None]:
        """What a query finds, from as many pages as are asked for. Raises StoreError."""
        while True:
            answer = await self.call(store, "query", **request)
            for item in answer["Items"]:
                yield item
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def create(self) -> None:
        """Create the table where it is missing, and wait until it can be used. Raises StoreError."""
        with _mapped("table"):
            client = await self._opened("table")
            is_missing = True
            try:
                await client.create_table(
                    TableName=self.name,
                    AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
                    KeySchema=[
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "sk", "KeyType": "RANGE"},
                    ],
                    BillingMode="PAY_PER_REQUEST",
                )
            except client.exceptions.ResourceInUseException:
                is_missing = False  # it is there, or another process is creating it now
            await client.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig=_CREATION)
            if is_missing:
                await client.update_time_to_live(
                    TableName=self.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_s"}
                )

    async def check(self, store: str) -> None:
        """Prove that the table can be read. Raises StoreError."""
        await self.call(store, "get_item", Key={"pk": {"S": "CHECK"}, "sk": {"S": "-"}})

    async def aclose(self) -> None:
        """Close the client and its connections."""
        self._is_closed = True
        async with self._opening:
            self._client = None
            await self._stack.aclose()

    def pool(self) -> PoolReport:
        """What the connections did."""
        return self._places.meter.report()

    async def _send(self, store: str, operation: str, **request: object) -> dict[str, Any]:
        with _mapped(store):
            client = await self._opened(store)
            async with self._places.lease(), asyncio.timeout(self._limits.connect_s + self._limits.read_s):
                return cast("dict[str, Any]", await getattr(client, operation)(**request))

    async def _opened(self, store: str) -> Any:
        if self._client is None:
            async with self._opening:
                if self._is_closed:
                    raise StoreError(store, "it is closed")
                if self._client is None:
                    self._client = await self._stack.enter_async_context(self._new_client())
        return self._client

    def _new_client(self) -> Any:
        config = AioConfig(
            retries={"total_max_attempts": self._attempts, "mode": "adaptive"},
            max_pool_connections=self._limits.max_size,
            connect_timeout=self._limits.connect_s,
            read_timeout=self._limits.read_s,
            tcp_keepalive=True,
            parameter_validation=False,  # the requests' shapes are ours and fixed
            connector_args={"keepalive_timeout": self._limits.idle_s},
            proxies={} if self._endpoint.is_emulator else None,
        )
        region = self._endpoint.region
        if self._endpoint.is_emulator:
            key, secret = _EMULATOR_KEY
            botocore_session = AioSession(session_vars=cast("Any", _NO_SETTINGS))
            session = aioboto3.Session(key, secret, region_name=region, botocore_session=botocore_session)
        else:
            session = aioboto3.Session(region_name=region)
        return session.client("dynamodb", endpoint_url=self._endpoint.url, config=config)


@contextmanager
def _mapped(store: str) -> Iterator[None]:
    """DynamoDB's failures as StoreError, in words of our own: DynamoDB's may quote keys and account numbers."""
    try:
        yield
    except CheckoutTimeoutError as error:
        raise StoreError(store, str(error)) from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ConditionalCheckFailedException":
            raise ConditionFailedError from error
        raise StoreError(store, f"DynamoDB refused a call ({code})") from error
    except TimeoutError as error:
        raise StoreError(store, "DynamoDB did not answer in time") from error
    except (BotoCoreError, OSError) as error:
        raise StoreError(store, f"DynamoDB can't be reached ({type(error).__name__})") from error
