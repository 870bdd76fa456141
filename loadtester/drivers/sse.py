"""The bundled MangaAssist, and what answers like it, over server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from loadtester.drivers.contract import Probe
from loadtester.drivers.endpoint import chat_endpoint
from loadtester.drivers.http.answer import Stream
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.service import PosterMaker, Service
from loadtester.drivers.wire.chat import encode_chat, ending_of_done, read_delta, read_done
from loadtester.drivers.wire.sse import Event
from loadtester.drivers.wire.status import ending_of_error
from loadtester.model import Ending, Outcome, Request

_PATH: Final = "/v1/chat/stream"


class SseDriver:
    """Speaks docs/target-api.md, "Server-sent events"; `url` is the service's base, or that of the stream itself."""

    opens_ahead = False

    def __init__(
        self, url: str, *, headers: Mapping[str, str], ca_file: Path | None, service: PosterMaker = Service
    ) -> None:
        self._service = service(chat_endpoint(url, headers, _PATH), ca_file=ca_file, accept="text/event-stream")

    async def check(self) -> None:
        """Ask for the service's health: any answer proves that it is there."""
        await self._service.check()

    async def prepare(self, request: Request) -> None:
        """Nothing: connections don't belong to conversations."""

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one message; each delta that holds text is a chunk."""
        answer = Stream(_Reader(probe))
        try:
            await self._service.post(encode_chat(request), answer, probe, request.traceparent)
        except HttpError as error:
            return answer.ending_after(error)
        return answer.ending

    async def finish(self, request: Request) -> None:
        """Nothing is held for a conversation."""

    async def aclose(self) -> None:
        """Close every connection."""
        await self._service.aclose()


class _Reader:
    """Reads deltas up to the one event that ends an answer: done, or error."""

    __slots__ = ("_ending", "_probe")

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._ending: Ending | None = None

    @property
    def is_done(self) -> bool:
        return self._ending is not None

    def take(self, events: list[Event]) -> None:
        texts: list[str] = []
        n_bytes = 0
        try:
            for kind, data in events:
                if self._ending is not None:
                    break
                if kind == b"delta":
                    text = read_delta(data).text
                    if text:
                        texts.append(text)
                        n_bytes += len(data)
                elif kind == b"done":
                    self._ending = ending_of_done(data, read_done(data))
                elif kind == b"error":
                    self._ending = ending_of_error(data)
        finally:
            if texts:
                self._probe.chunks(n_bytes, texts)

    def end(self) -> Ending:
        return self._ending or Ending(Outcome.BROKEN, detail="the stream ended without its done event")
