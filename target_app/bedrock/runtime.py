"""Every operation on a model, as one ASGI application: from a request's path and body to its answer or its error."""

from __future__ import annotations

import asyncio
import logging
import random
import string
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from target_app.bedrock import claude, converse, embeddings, errors
from target_app.bedrock.answers import Answer, answer
from target_app.bedrock.counting import count_input_tokens
from target_app.bedrock.credentials import check_credentials
from target_app.bedrock.dialect import Dialect, Reply
from target_app.bedrock.exchange import Exchange
from target_app.bedrock.generation import Lane, decoding
from target_app.bedrock.log import Log
from target_app.bedrock.models import Model, find_model
from target_app.bedrock.presence import ClientGoneError, read_body, while_present
from target_app.bedrock.prompt import Prompt
from target_app.bedrock.quota import Quota
from target_app.bedrock.settings import Settings
from target_app.behaviour import seeded

_LOGGER = logging.getLogger(__name__)

#: The service pads its events to hide their lengths with the beginning of this, of random length.
_PADDING = string.ascii_lowercase + string.ascii_uppercase + string.digits


class Runtime:
    """The emulated service. Owns one lane per model; all state belongs to the event loop's thread."""

    def __init__(self, settings: Settings, log: Log, quota_clock_ns: Callable[[], int]) -> None:
        self._settings = settings
        self._log = log
        self._quota_clock_ns = quota_clock_ns
        self._lanes: dict[str, Lane] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and see that it is logged whatever becomes of it."""
        path = scope["path_params"]
        exchange = Exchange(send, self._log, path["operation"], path["model_id"])
        try:
            body = await read_body(receive)
            check_credentials(scope["headers"], self._settings.access_key)
            await while_present(self._operate(exchange, body), receive)
        except ClientGoneError:
            exchange.close("client_gone", exchange.entry.status)
        except errors.BedrockError as error:
            await exchange.fail(error)
        except asyncio.CancelledError:
            exchange.close("error", exchange.entry.status)
            raise
        except Exception:
            _LOGGER.exception("request %s failed", exchange.entry.id)
            await exchange.fail(errors.internal())

    async def _operate(self, exchange: Exchange, body: bytes) -> None:
        model = find_model(exchange.entry.model)
        if model is None:
            raise errors.unknown_model()
        match exchange.entry.operation:
            case "converse":
                await self._answer_whole(converse, model, body, exchange)
            case "converse-stream":
                await self._answer_in_pieces(converse, model, body, exchange)
            case "invoke" if model.kind == "embedding":
                await self._embed(model, body, exchange)
            case "invoke":
                await self._answer_whole(claude, model, body, exchange)
            case "invoke-with-response-stream" if model.kind == "embedding":
                raise errors.invalid("The model is unsupported for streaming")
            case "invoke-with-response-stream":
                await self._answer_in_pieces(claude, model, body, exchange)
            case "count-tokens":
                exchange.entry.input_tokens = count_input_tokens(body, model)
                await exchange.whole([], b'{"inputTokens":%d}' % exchange.entry.input_tokens)
            case _:
                raise errors.unknown_operation()

    async def _answer_whole(self, dialect: Dialect, model: Model, body: bytes, exchange: Exchange) -> None:
        prompt, said = self._begin(dialect, model, body, exchange)
        seed, scale = self._settings.seed, self._settings.time_scale
        async with decoding(self._lane(model), exchange.entry, said.piece_tokens, prompt.texts, seed, scale) as decode:
            await decode.finish()
        exchange.entry.stop_reason = said.stop_reason
        reply = Reply(exchange.entry.id, model, said, prompt.input_tokens, latency_ms=exchange.elapsed_ms)
        await exchange.whole(*dialect.whole(reply))

    async def _answer_in_pieces(self, dialect: Dialect, model: Model, body: bytes, exchange: Exchange) -> None:
        prompt, said = self._begin(dialect, model, body, exchange)
        seed, scale = self._settings.seed, self._settings.time_scale
        rng = seeded(seed, "padding", *prompt.texts)
        reply = Reply(exchange.entry.id, model, said, prompt.input_tokens)
        async with decoding(self._lane(model), exchange.entry, said.piece_tokens, prompt.texts, seed, scale) as decode:
            frames = dialect.opening(reply)
            while places := await decode.next_pieces():
                if not exchange.has_begun:
                    reply = replace(reply, first_ms=exchange.elapsed_ms)
                    await exchange.open_stream(dialect.stream_headers())
                frames += b"".join(dialect.delta(said.pieces[place], _padding(rng)) for place in places)
                await exchange.frames(frames)
                frames = b""
        if not exchange.has_begun:
            await exchange.open_stream(dialect.stream_headers())
        exchange.entry.stop_reason = said.stop_reason
        await exchange.end_stream(frames + dialect.closing(replace(reply, latency_ms=exchange.elapsed_ms)))

    async def _embed(self, model: Model, body: bytes, exchange: Exchange) -> None:
        text = embeddings.parse(body, model)
        entry = exchange.entry
        entry.input_tokens = entry.reserved = text.input_tokens
        seed, scale = self._settings.seed, self._settings.time_scale
        async with decoding(self._lane(model), entry, (0,), (text.text,), seed, scale) as decode:
            await decode.finish()
        await exchange.whole(*embeddings.whole(text, seed, exchange.elapsed_ms))

    def _begin(self, dialect: Dialect, model: Model, body: bytes, exchange: Exchange) -> tuple[Prompt, Answer]:
        """Read the request, put what it asks for on record, and decide on its answer."""
        prompt = dialect.parse(body, model)
        entry = exchange.entry
        entry.request_id = prompt.request_id
        entry.input_tokens = prompt.input_tokens
        entry.max_tokens = prompt.max_tokens
        entry.reserved = prompt.input_tokens + (prompt.max_tokens or model.max_output_tokens)
        return prompt, answer(prompt, model, self._settings.seed)

    def _lane(self, model: Model) -> Lane:
        if model.id not in self._lanes:
            settings = self._settings
            quota = Quota(
                settings.tokens_per_minute, settings.requests_per_minute, settings.window, self._quota_clock_ns
            )
            self._lanes[model.id] = Lane(model, quota, settings.slots)
        return self._lanes[model.id]


def _padding(rng: random.Random) -> str:
    return _PADDING[: rng.randint(1, len(_PADDING))]
