"""Every operation on a model, as one ASGI application: from a request's path and body to its answer or its error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from starlette.types import Receive, Scope, Send

from target_app.bedrock import claude, converse, embeddings, errors
from target_app.bedrock.answers import answer
from target_app.bedrock.completion import Completion
from target_app.bedrock.counting import count_input_tokens
from target_app.bedrock.credentials import check_credentials
from target_app.bedrock.dialect import Dialect
from target_app.bedrock.exchange import Exchange
from target_app.bedrock.generation import Lane, decoding
from target_app.bedrock.injection import SLIPS, Injection
from target_app.bedrock.limits import Quotas
from target_app.bedrock.log import Log
from target_app.bedrock.models import Model, named_model
from target_app.bedrock.presence import ClientGoneError, read_body, while_present
from target_app.bedrock.prompt_cache import PromptCache
from target_app.bedrock.quota import Quota
from target_app.bedrock.settings import Settings
from target_app.faults.draw import Call, Faults
from target_app.faults.plan import REFUSALS, STREAM_ONLY, Kind

_LOGGER = logging.getLogger(__name__)

#: Faults that a vector can't have.
_TEXT_ONLY = frozenset(Kind) - REFUSALS - {Kind.SLOW_START}


class Runtime:
    """The emulated service. Owns one lane per model; all state belongs to the event loop's thread."""

    def __init__(self, settings: Settings, log: Log, faults: Faults, quota_clock_ns: Callable[[], int]) -> None:
        self.quotas = settings.quotas
        self._settings = settings
        self._log = log
        self._faults = faults
        self._quota_clock_ns = quota_clock_ns
        self._lanes: dict[str, Lane] = {}

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """What each model that was asked for has in use."""
        return self._lanes

    def put_quotas(self, quotas: Quotas) -> None:
        """Hold every model to `quotas` from now on, with nothing of them used."""
        self.quotas = quotas
        for lane in self._lanes.values():
            lane.quota.put(quotas.of(lane.model.id))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and see that it is logged whatever becomes of it."""
        path = scope["path_params"]
        exchange = Exchange(scope, send, self._log, path["operation"], path["model_id"])
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
        model = named_model(exchange.entry.model)
        match exchange.entry.operation:
            case "converse":
                await (await self._begin(converse, model, body, exchange, STREAM_ONLY)).send_whole()
            case "converse-stream":
                await (await self._begin(converse, model, body, exchange)).send_in_pieces()
            case "invoke" if model.kind == "embedding":
                await self._embed(model, body, exchange)
            case "invoke":
                await (await self._begin(claude, model, body, exchange, STREAM_ONLY)).send_whole()
            case "invoke-with-response-stream" if model.kind == "embedding":
                raise errors.invalid("The model is unsupported for streaming")
            case "invoke-with-response-stream":
                await (await self._begin(claude, model, body, exchange)).send_in_pieces()
            case "count-tokens":
                exchange.entry.input_tokens = count_input_tokens(body, model)
                await exchange.whole([], b'{"inputTokens":%d}' % exchange.entry.input_tokens)
            case _:
                raise errors.unknown_operation()

    async def _embed(self, model: Model, body: bytes, exchange: Exchange) -> None:
        text = embeddings.parse(body, model)
        entry = exchange.entry
        entry.input_tokens = entry.reserved = text.input_tokens
        injection = Injection(self._faults, self._faults.draw(Call(model=model.id), without=_TEXT_ONLY), exchange)
        await injection.refuse()
        seed, scale = self._settings.seed, self._settings.time_scale
        async with decoding(self._lane(model), entry, (0,), (text.text,), seed, scale) as decode:
            await injection.at_start(decode, is_whole=True)
            await decode.finish()
        await exchange.whole(*embeddings.whole(text, seed, exchange.elapsed_ms))

    async def _begin(
        self, dialect: Dialect, model: Model, body: bytes, exchange: Exchange, without: Collection[Kind] = ()
    ) -> Completion:
        """Read the request, put what it asks for on record, and decide on its fault and its answer."""
        prompt = dialect.parse(body, model)
        lane, entry = self._lane(model), exchange.entry
        reading = lane.cache.look_up(prompt.texts, prompt.cache_points, prompt.input_tokens)
        entry.request_id = prompt.request_id
        entry.input_tokens = reading.uncached_tokens
        entry.cache_read_tokens = reading.read_tokens
        entry.cache_write_tokens = reading.write_tokens
        entry.max_tokens = prompt.max_tokens
        entry.reserved = prompt.input_tokens + (prompt.max_tokens or model.max_output_tokens)
        call = Call(request_id=prompt.request_id, model=model.id, query_type=prompt.query_type)
        injection = Injection(self._faults, self._faults.draw(call, without), exchange)
        await injection.refuse()
        seed, scale = self._settings.seed, self._settings.time_scale
        said = answer(prompt, model, seed)
        slipped = answer(prompt, model, seed, injection.kind) if injection.kind in SLIPS else said
        return Completion(dialect, lane, exchange, injection, prompt, reading, slipped, slipped != said, seed, scale)

    def _lane(self, model: Model) -> Lane:
        if model.id not in self._lanes:
            clock_ns = self._quota_clock_ns
            quota = Quota(self.quotas.of(model.id), self._settings.window, clock_ns)
            self._lanes[model.id] = Lane(model, quota, PromptCache(clock_ns), self._settings.slots)
        return self._lanes[model.id]
