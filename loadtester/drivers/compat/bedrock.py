"""Bedrock's Converse and ConverseStream, through the AWS SDK: slower, but with proxies, and Amazon's own reading."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec

from loadtester.drivers.aws.question import CHECK_LIMIT_S, CHECK_MODEL, CHECK_QUESTION, check_endpoint, where_shown
from loadtester.drivers.contract import Probe
from loadtester.drivers.wire.converse import Answer, ConverseEnd, converse_parameters
from loadtester.model import Ending, Request


class CompatBedrockDriver:
    """Asks Bedrock in `region`, or an emulator at `endpoint_url`, by one long-lived aioboto3 client without retries.

    The SDK has no callback straight from the socket: a chunk's moment is when its event comes out of the SDK's
    decoder, its size is that of its text in UTF-8, and the opening of connections is not told. Credentials come from
    where the SDK looks for them; `ca_file` takes the place of its list of trusted certificates. Raises FmloadError
    where `endpoint_url` is no URL.
    """

    opens_ahead = False

    def __init__(
        self, region: str | None, endpoint_url: str | None, *, is_streaming: bool, ca_file: Path | None
    ) -> None:
        check_endpoint(endpoint_url)
        self._region = region
        self._endpoint_url = endpoint_url
        self._is_streaming = is_streaming
        self._ca_file = ca_file
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def check(self) -> None:
        """Have the tokens of one word counted, which is free; loads the SDK and the credentials on the way.

        Raises FmloadError, code 113, where Bedrock can't be reached or refuses the credentials. That a model can't
        count tokens, or is not there, is fine: it took a caller whom Bedrock knows to be told so.
        """
        from loadtester.drivers.boto_faults import unreachable  # noqa: PLC0415  the SDK takes half a second to import

        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                client = await self._ready()
                await client.count_tokens(modelId=CHECK_MODEL, input=CHECK_QUESTION)
        except Exception as fault:  # the driver's edge
            error = unreachable(fault, where_shown(self._region, self._endpoint_url))
            if error is not None:
                raise error from fault

    async def prepare(self, request: Request) -> None:  # noqa: ARG002  the client is every conversation's
        """Make the client where `check` has not; where that fails, `send` tells."""
        with suppress(Exception):
            await self._ready()

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Ask one question. `probe.sent` is called when the signed request goes to the SDK's transport."""
        from loadtester.drivers.boto_client import Sending, sending  # noqa: PLC0415  see `check`
        from loadtester.drivers.boto_faults import ending_of_fault  # noqa: PLC0415  see `check`

        token = sending.set(Sending(probe, request.traceparent))
        try:
            client = await self._ready()
            ask = _stream if self._is_streaming else _converse
            return await ask(client, request, probe)
        except Exception as fault:  # noqa: BLE001  the driver's edge; raised again where it is a fault of ours
            return ending_of_fault(fault)
        finally:
            sending.reset(token)

    async def finish(self, request: Request) -> None:
        """Nothing is held for a conversation."""

    async def aclose(self) -> None:
        """Close the client and its connections."""
        self._client = None
        await self._stack.aclose()

    async def _ready(self) -> Any:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._open()
        return self._client

    async def _open(self) -> Any:
        from loadtester.drivers.boto_client import bedrock_client, stamp_sends  # noqa: PLC0415  see `check`

        client = await self._stack.enter_async_context(bedrock_client(self._region, self._endpoint_url, self._ca_file))
        stamp_sends(client)
        return client


async def _converse(client: Any, request: Request, probe: Probe) -> Ending:
    answer = msgspec.convert(await client.converse(**converse_parameters(request)), Answer)
    text = answer.text
    if text:
        probe.chunk(len(text.encode()), text)
    end = ConverseEnd()
    end.take_answer(answer)
    return end.ending(request.model)


async def _stream(client: Any, request: Request, probe: Probe) -> Ending:
    answer = await client.converse_stream(**converse_parameters(request))
    events = answer["stream"]
    end = ConverseEnd()
    try:
        async for event in events:
            text = end.take(event)
            if text:
                probe.chunk(len(text.encode()), text)
    finally:
        # After the end of the stream its connection is back in the pool, and this does nothing.
        events.close()
    return end.ending(request.model)
