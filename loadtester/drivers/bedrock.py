"""Bedrock's Converse and ConverseStream on our own transport: signed, sent and decoded without the AWS SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from loadtester.drivers.aws.answer import Streamed, WholeBody
from loadtester.drivers.aws.caller import Caller
from loadtester.drivers.aws.question import CHECK_LIMIT_S, CHECK_MODEL, CHECK_QUESTION, check_endpoint, where_shown
from loadtester.drivers.contract import Probe
from loadtester.drivers.http import HttpError
from loadtester.drivers.wire.converse import ConverseEnd, encode_converse, read_answer
from loadtester.model import Ending, Outcome, Request


class BedrockDriver:
    """Asks Bedrock in `region`, or an emulator at `endpoint_url`; region, endpoint and credentials as the SDK has them.

    A chunk's moment is when its bytes come out of the socket, its size is that of its text in UTF-8. Credentials
    that expire are fetched anew ahead of it, on a thread. `ca_file` names certificates to trust besides the system's;
    proxies are for the compat client. Raises FmloadError where `endpoint_url` is no URL.
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
        self._caller: Caller | None = None
        self._opening = asyncio.Lock()
        self._paths: dict[str, str] = {}

    async def check(self) -> None:
        """Have the tokens of one word counted, which is free; finds the credentials on the way.

        Raises FmloadError, code 113, where Bedrock can't be reached or refuses the credentials. That a model can't
        count tokens, or is not there, is fine: it took a caller whom Bedrock knows to be told so.
        """
        from loadtester.drivers.boto_faults import refused, unreachable  # noqa: PLC0415  the SDK takes half a second

        where = where_shown(self._region, self._endpoint_url)
        answer = WholeBody()
        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                caller = await self._ready()
                body = msgspec.json.encode({"input": CHECK_QUESTION})
                await caller.post(_path(CHECK_MODEL, "count-tokens"), body, answer, _Nobody())
        except Exception as fault:  # the driver's edge
            error = unreachable(fault, where)
            if error is not None:
                raise error from fault
        error = refused(answer.refused, where) if answer.refused is not None else None
        if error is not None:
            raise error

    async def prepare(self, request: Request) -> None:  # noqa: ARG002  the connections are every conversation's
        """Find the credentials where `check` has not; where that fails, `send` tells."""
        with suppress(Exception):
            await self._ready()

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Ask one question; each piece of text in a stream is a chunk, a whole answer is one."""
        caller = self._caller
        if caller is None:
            try:
                caller = await self._ready()
            except Exception as fault:  # noqa: BLE001  the driver's edge; raised again where it is a fault of ours
                from loadtester.drivers.boto_faults import ending_of_fault  # noqa: PLC0415  see `check`

                return ending_of_fault(fault)
        model = request.model
        path = self._paths.get(model)
        if path is None:
            path = self._paths[model] = _path(model, "converse-stream" if self._is_streaming else "converse")
        ask = _stream if self._is_streaming else _converse
        return await ask(caller, path, request, probe)

    async def finish(self, request: Request) -> None:
        """Nothing is held for a conversation."""

    async def aclose(self) -> None:
        """Close every connection."""
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.aclose()

    async def _ready(self) -> Caller:
        async with self._opening:
            if self._caller is None:
                self._caller = await self._open()
            return self._caller

    async def _open(self) -> Caller:
        from loadtester.drivers.aws.access import find_access  # noqa: PLC0415  the SDK takes half a second to import

        access = await asyncio.to_thread(find_access, self._region, self._endpoint_url)
        keys = await asyncio.to_thread(access.keys) if access.credentials is not None else None
        return Caller(access, keys, self._ca_file)


async def _converse(caller: Caller, path: str, request: Request, probe: Probe) -> Ending:
    answer = WholeBody()
    try:
        await caller.post(path, encode_converse(request), answer, probe, request.traceparent)
    except HttpError as error:
        return error.ending()
    if answer.refused is not None:
        return answer.refused.ending()
    try:
        said = read_answer(answer.body)
    except ValueError:
        return Ending(Outcome.INVALID, detail="the answer is not the JSON of Converse")
    if said.text:
        probe.chunk(len(said.text.encode()), said.text)
    end = ConverseEnd()
    end.take_answer(said)
    return end.ending(request.model)


async def _stream(caller: Caller, path: str, request: Request, probe: Probe) -> Ending:
    answer = Streamed(request.model, probe)
    try:
        await caller.post(path, encode_converse(request), answer, probe, request.traceparent)
    except HttpError as error:
        return answer.ending_after(error)
    return answer.ending


def _path(model: str, operation: str) -> str:
    """The path of `operation`, with the model's name or ARN encoded as the SDK does it (RFC 3986, 2.3)."""
    return f"/model/{quote(model, safe='-._~')}/{operation}"


class _Nobody:
    """The check's probe: nothing of it is measured."""

    launched_ns = 0
    first_ns = None
    retries = 0

    def sent(self) -> None:
        pass

    def chunk(self, n_bytes: int, text: str) -> None:
        pass

    def chunks(self, n_bytes: int, texts: Sequence[str]) -> None:
        pass

    def connected(self, duration_ns: int) -> None:
        pass

    def reconnected(self) -> None:
        pass
