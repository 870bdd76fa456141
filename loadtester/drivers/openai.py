"""OpenAI's chat completions, and every server that speaks the same, streamed or whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from loadtester.drivers.contract import Probe
from loadtester.drivers.endpoint import Endpoint, completions_endpoint
from loadtester.drivers.http.answer import Stream, Whole
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.service import PosterMaker, Service
from loadtester.drivers.wire.completions import DONE, Said, encode_completion, ending_of_completion, read_completion
from loadtester.drivers.wire.sse import Event
from loadtester.drivers.wire.status import ending_of_error, has_fault
from loadtester.model import Ending, Outcome, Request

_KEY: Final = "OPENAI_API_KEY"
_NOBODY: Final = Said()


class OpenAIDriver:
    """Posts to `url`/chat/completions; `url` is the API's base, such as https://api.openai.com/v1.

    The key is in `headers`, or else in OPENAI_API_KEY. Each request is a conversation of one message.
    """

    opens_ahead = False

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        ca_file: Path | None,
        is_streaming: bool,
        service: PosterMaker = Service,
    ) -> None:
        endpoint = completions_endpoint(url, _with_key(headers))
        self._is_streaming = is_streaming
        self._has_old_limit = not _is_openai(endpoint)
        accept = "text/event-stream" if is_streaming else "application/json"
        self._service = service(endpoint, ca_file=ca_file, accept=accept)

    async def check(self) -> None:
        """Ask for the list of models, which is free, and is refused without a good key."""
        await self._service.check()

    async def prepare(self, request: Request) -> None:
        """Nothing: connections don't belong to conversations."""

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one message; each piece of content is a chunk, reasoning is none."""
        body = encode_completion(request, is_streaming=self._is_streaming, has_old_limit=self._has_old_limit)
        send = self._send_streaming if self._is_streaming else self._send_whole
        return await send(body, probe, request.traceparent)

    async def finish(self, request: Request) -> None:
        """Nothing is held for a conversation."""

    async def aclose(self) -> None:
        """Close every connection."""
        await self._service.aclose()

    async def _send_whole(self, body: bytes, probe: Probe, traceparent: str | None) -> Ending:
        answer = Whole(partial(_read, probe))
        try:
            await self._service.post(body, answer, probe, traceparent)
        except HttpError as error:
            return error.ending()
        return answer.ending

    async def _send_streaming(self, body: bytes, probe: Probe, traceparent: str | None) -> Ending:
        answer = Stream(_Reader(probe))
        try:
            await self._service.post(body, answer, probe, traceparent)
        except HttpError as error:
            return answer.ending_after(error)
        return answer.ending


class _Reader:
    """Reads chunks up to [DONE] or an error; the last usage counts, as some servers send it with every chunk."""

    __slots__ = ("_ending", "_finish_reason", "_has_ended", "_has_refused", "_model", "_probe", "_usage")

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._ending: Ending | None = None
        self._finish_reason: str | None = None
        self._has_ended = self._has_refused = False
        self._model: str | None = None
        self._usage = msgspec.Raw()

    @property
    def is_done(self) -> bool:
        return self._has_ended

    def take(self, events: list[Event]) -> None:
        texts: list[str] = []
        n_bytes = 0
        try:
            for event in events:
                if self._has_ended:
                    break
                text = self._take(*event)
                if text:
                    texts.append(text)
                    n_bytes += len(event[1])
        finally:
            if texts:
                self._probe.chunks(n_bytes, texts)

    def _take(self, kind: bytes, data: bytes) -> str:
        """Look at one event; returns the content that it adds to the answer, "" for some."""
        if data == DONE:
            self._has_ended = True
            return ""
        chunk = read_completion(data)
        if kind == b"error" or has_fault(chunk.error):
            self._ending, self._has_ended = ending_of_error(data), True
            return ""
        text = ""
        for choice in chunk.choices[:1]:
            said = choice.delta or _NOBODY
            text = said.content or ""
            self._has_refused = self._has_refused or bool(said.refusal)
            self._finish_reason = choice.finish_reason or self._finish_reason
        self._model = chunk.model or self._model
        if chunk.usage:
            self._usage = chunk.usage
        return text

    def end(self) -> Ending:
        if not self._has_ended:
            return Ending(Outcome.BROKEN, self._finish_reason, detail="the stream ended without [DONE]")
        return self._ending or ending_of_completion(
            self._finish_reason, has_refused=self._has_refused, usage=self._usage, model=self._model
        )


def _read(probe: Probe, body: bytes) -> Ending:
    try:
        answer = read_completion(body)
    except ValueError:
        return Ending(Outcome.INVALID, detail="the answer is not the JSON of a chat completion")
    if has_fault(answer.error):
        return ending_of_error(body)
    if not answer.choices:
        return Ending(Outcome.INVALID, model=answer.model, detail="the answer holds no choice")
    choice = answer.choices[0]
    said = choice.message or _NOBODY
    if said.content:
        probe.chunk(len(body), said.content)
    return ending_of_completion(
        choice.finish_reason, has_refused=bool(said.refusal), usage=answer.usage, model=answer.model
    )


def _with_key(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, with the key from the environment where they hold none."""
    key = os.environ.get(_KEY, "").strip()
    if not key or any(name.lower() in ("authorization", "api-key") for name in headers):
        return headers
    return {**headers, "Authorization": f"Bearer {key}"}


def _is_openai(endpoint: Endpoint) -> bool:
    return endpoint.host == "openai.com" or endpoint.host.endswith(".openai.com")
