"""Bedrock by aioboto3: one client and one bounded pool of connections for the life of the process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from target_app.chat import Usage
from target_app.endpoint import Endpoint
from target_app.errors import ChatError, Code
from target_app.model import Deliver, ModelCall, ModelReply
from target_app.model_errors import mapped
from target_app.model_stream import batches
from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.meter import PoolReport
from target_app.pools.places import CheckoutTimeoutError, Places

#: The longest silence of the model, in the place of the pool's `read_s`. An unstreamed answer is one silence to its
#: end, so it is API Gateway's limit for an integration: what takes longer could not be delivered any more.
_READ_S: Final = 29.0

#: What an emulator is signed with: it gets no credentials, and no settings either, of the user's.
_EMULATOR_KEY: Final = ("AKIDFMLOADEMULATOR", "not-a-secret")
_NO_SETTINGS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class BedrockModel:
    """Asks Bedrock inside `async with`; never retries, so no load is hidden.

    Owns the client. At most `limits.max_size` calls are under way; the others wait in line for a connection.
    """

    def __init__(self, endpoint: Endpoint, *, limits: PoolLimits = LIMITS["bedrock"]) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._places = Places(limits)
        self._stack = AsyncExitStack()
        self._opened: Any = None

    async def __aenter__(self) -> Self:
        self._opened = await self._stack.enter_async_context(_client(self._endpoint, self._limits))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    async def complete(self, call: ModelCall) -> ModelReply:
        """The answer by Converse. Raises ChatError."""
        async with self._connection():
            with mapped():
                response = await self._client.converse(**_request(call))
        content = response["output"].get("message", {}).get("content", [])
        text = "".join(block.get("text", "") for block in content)
        return _reply(call, text, response["stopReason"], response)

    async def stream(self, call: ModelCall, deliver: Deliver) -> ModelReply:
        """The answer by ConverseStream, piece by piece to `deliver`. Raises ChatError, and what `deliver` raises."""
        async with self._connection():
            with mapped():
                response = await self._client.converse_stream(**_request(call))
            stream = response["stream"]
            try:
                return await _collect(call, stream, deliver)
            finally:
                # Read to its end, the connection is back in the pool; broken off, Bedrock is to know at once.
                stream.close()

    async def invoke(self, model: str, body: bytes) -> bytes:
        """The body of the response by InvokeModel. Raises ChatError."""
        async with self._connection():
            with mapped():
                response = await self._client.invoke_model(modelId=model, body=body, contentType="application/json")
                async with response["body"] as stream:
                    data: bytes = await stream.read()
        return data

    def pool(self) -> PoolReport:
        """What the places for its calls did so far."""
        return self._places.meter.report()

    async def is_reachable(self) -> bool:
        """Whether Bedrock's endpoint takes a TCP connection: that costs nothing, unlike any call of the service."""
        parts = urlsplit(self._client.meta.endpoint_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._limits.connect_s):
                _, writer = await asyncio.open_connection(parts.hostname, port)
        except OSError:
            return False
        writer.close()
        return True

    @property
    def _client(self) -> Any:
        if self._opened is None:
            raise RuntimeError("the Bedrock client is used outside its `async with`")
        return self._opened

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
        """A place in the pool. Raises ChatError internal where none comes free in time: the pool is ours."""
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._places.lease())
            except CheckoutTimeoutError as error:
                raise ChatError(Code.INTERNAL, f"the model's pool: {error}") from None
            yield


@asynccontextmanager
async def _client(endpoint: Endpoint, limits: PoolLimits) -> AsyncIterator[Any]:
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": limits.max_size,
        "connect_timeout": limits.connect_s,
        "read_timeout": _READ_S,
        "tcp_keepalive": True,
        # The request's shape is ours and fixed; checking it again each time is a tenth of the client's work.
        "parameter_validation": False,
        "connector_args": {"keepalive_timeout": limits.idle_s},
    }
    if endpoint.is_emulator:
        # Signature v4 said in code outranks a bearer token in the environment; an empty proxy map its proxies.
        settings |= {"signature_version": "v4", "proxies": {}}
        key, secret = _EMULATOR_KEY
        botocore_session = AioSession(session_vars=cast("Any", _NO_SETTINGS))
        session = aioboto3.Session(key, secret, region_name=endpoint.region, botocore_session=botocore_session)
    else:
        session = aioboto3.Session(region_name=endpoint.region)
    config = AioConfig(**settings)
    async with session.client("bedrock-runtime", endpoint_url=endpoint.url, config=config) as client:
        yield client


def _request(call: ModelCall) -> dict[str, Any]:
    """The call in Converse's shape (botocore's service model)."""
    request: dict[str, Any] = {
        "modelId": call.model,
        "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in call.turns],
        "inferenceConfig": {"maxTokens": call.max_tokens},
    }
    if call.system is not None:
        request["system"] = [{"text": call.system}]
    if call.metadata:
        request["requestMetadata"] = dict(call.metadata)
    return request


async def _collect(call: ModelCall, stream: Any, deliver: Deliver) -> ModelReply:
    """The reply at the end of an event stream. Raises ChatError model_error where it ends before it is complete."""
    pieces: list[str] = []
    stop_reason: str | None = None
    metadata: dict[str, Any] | None = None
    async with aclosing(batches(stream)) as reads:
        async for events in reads:
            for event in events:
                if event.delta.text:
                    pieces.append(event.delta.text)
                    await deliver(event.delta.text)
                elif event.stop_reason is not None:
                    stop_reason = event.stop_reason
                elif event.usage is not None or event.metrics is not None:
                    metadata = {"usage": event.usage, "trace": event.trace or {}}
    if stop_reason is None or metadata is None:
        raise ChatError(Code.MODEL_ERROR, "the model's answer broke off")
    return _reply(call, "".join(pieces), stop_reason, metadata)


def _reply(call: ModelCall, text: str, stop_reason: str, response: dict[str, Any]) -> ModelReply:
    usage = response.get("usage")
    router = response.get("trace", {}).get("promptRouter", {})
    return ModelReply(
        text=text,
        model=router.get("invokedModelId", call.model),
        finish_reason=stop_reason,
        usage=None if not usage else _usage(usage),
    )


def _usage(told: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=told.get("inputTokens", 0),
        output_tokens=told.get("outputTokens", 0),
        cache_read_tokens=told.get("cacheReadInputTokens", 0),
        cache_write_tokens=told.get("cacheWriteInputTokens", 0),
    )
