"""An answer on its way from decision to client, whole or in pieces, with the fault that the request may have."""

from __future__ import annotations

import random
import string
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from target_app.bedrock.answers import Answer
from target_app.bedrock.dialect import Dialect, Reply
from target_app.bedrock.exchange import Exchange
from target_app.bedrock.generation import Decode, Lane, decoding
from target_app.bedrock.injection import SLIPS, Injection
from target_app.bedrock.prompt import Prompt
from target_app.bedrock.prompt_cache import Reading
from target_app.behaviour import seeded
from target_app.faults.plan import Kind

#: The service pads its events to hide their lengths with the beginning of this, of random length.
_PADDING = string.ascii_lowercase + string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Completion:
    """A checked request, what is said to it, and how it gets there. `has_slip` says that its slip shows in the text."""

    dialect: Dialect
    lane: Lane
    exchange: Exchange
    injection: Injection
    prompt: Prompt
    reading: Reading
    said: Answer
    has_slip: bool
    seed: int
    time_scale: float

    async def send_whole(self) -> None:
        """Answer in one piece, when the last token is there."""
        async with self._decoding() as decode:
            self.lane.cache.keep(self.reading)
            await self.injection.at_start(decode, is_whole=True)
            await decode.finish()
        self._record_slip()
        reply = self._closing_reply(self._reply())
        await self.exchange.whole(*self.dialect.whole(reply))

    async def send_in_pieces(self) -> None:
        """Stream the answer, each piece when it is due."""
        dialect, exchange = self.dialect, self.exchange
        rng = seeded(self.seed, "padding", *self.prompt.texts)
        reply = self._reply()
        async with self._decoding() as decode:
            self.lane.cache.keep(self.reading)
            await self.injection.at_start(decode, is_whole=False)
            frames = dialect.opening(reply)
            while places := await decode.next_pieces():
                if not exchange.has_begun:
                    reply = replace(reply, first_ms=exchange.elapsed_ms)
                    self._record_slip()
                    await exchange.open_stream(dialect.stream_headers())
                frames += b"".join(dialect.delta(self.said.pieces[place], _padding(rng)) for place in places)
                await exchange.frames(frames)
                frames = b""
                if places.stop == decode.midway:
                    await self.injection.at_midway(decode)
        if not exchange.has_begun:
            await exchange.open_stream(dialect.stream_headers())
        await exchange.end_stream(frames + dialect.closing(self._closing_reply(reply)))

    def _decoding(self) -> AbstractAsyncContextManager[Decode]:
        pieces, texts = self.said.piece_tokens, self.prompt.texts
        return decoding(self.lane, self.exchange.entry, pieces, texts, self.seed, self.time_scale)

    def _reply(self) -> Reply:
        return Reply(
            self.exchange.entry.id,
            self.lane.model,
            self.said,
            self.reading.uncached_tokens,
            cache_read_tokens=self.reading.read_tokens,
            cache_write_tokens=self.reading.write_tokens,
            has_usage=self.injection.kind is not Kind.MISSING_USAGE,
        )

    def _closing_reply(self, reply: Reply) -> Reply:
        """The reply as it stands at its end, and with it what only the end tells, on record."""
        if not reply.has_usage:
            self.injection.record()
        self.exchange.entry.stop_reason = self.said.stop_reason
        return replace(reply, latency_ms=self.exchange.elapsed_ms)

    def _record_slip(self) -> None:
        if self.has_slip and self.injection.kind in SLIPS:
            self.injection.record()


def _padding(rng: random.Random) -> str:
    return _PADDING[: rng.randint(1, len(_PADDING))]
