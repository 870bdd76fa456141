"""The bundled MangaAssist, and what answers like it, over REST: one POST, one JSON object back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from loadtester.drivers.contract import Probe
from loadtester.drivers.endpoint import chat_endpoint
from loadtester.drivers.http.answer import Whole
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.service import PosterMaker, Service
from loadtester.drivers.wire.chat import encode_chat, ending_of_done, read_done
from loadtester.model import Ending, Outcome, Request

_PATH: Final = "/v1/chat"


class RestDriver:
    """Speaks docs/target-api.md, "REST"; `url` is the service's base, or that of the chat itself."""

    opens_ahead = False

    def __init__(
        self, url: str, *, headers: Mapping[str, str], ca_file: Path | None, service: PosterMaker = Service
    ) -> None:
        self._service = service(chat_endpoint(url, headers, _PATH), ca_file=ca_file, accept="application/json")

    async def check(self) -> None:
        """Ask for the service's health: any answer proves that it is there."""
        await self._service.check()

    async def prepare(self, request: Request) -> None:
        """Nothing: connections don't belong to conversations."""

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one message. The whole answer is its first and only chunk."""
        answer = Whole(partial(_read, probe))
        try:
            await self._service.post(encode_chat(request), answer, probe, request.traceparent)
        except HttpError as error:
            return error.ending()
        return answer.ending

    async def finish(self, request: Request) -> None:
        """Nothing is held for a conversation."""

    async def aclose(self) -> None:
        """Close every connection."""
        await self._service.aclose()


def _read(probe: Probe, body: bytes) -> Ending:
    try:
        done = read_done(body)
    except ValueError:
        return Ending(Outcome.INVALID, detail="the answer is not the JSON of a chat answer")
    if done.answer:
        probe.chunk(len(body), done.answer)
    ending = ending_of_done(body, done)
    if ending.outcome is Outcome.OK and done.answer is None:
        return Ending(Outcome.INVALID, ending.finish_reason, ending.usage, ending.model, "the answer holds no text")
    return ending
