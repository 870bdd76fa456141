"""A model made of models: each call is retried, kept from a model that is down, and passed on to its substitutes.

Only a failure that another attempt may not meet is answered by one: throttled, unavailable, timed out, failed. A
request that is itself at fault is never repeated, and neither is a stream of which the client has seen a piece.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import msgspec

from target_app.errors import ChatError, Code
from target_app.gateway.backoff import BackoffSettings, delay_s
from target_app.gateway.breaker import Breaker, BreakerSettings, BreakerSnapshot
from target_app.gateway.canned import CANNED, canned
from target_app.gateway.fallback import FallbackSettings, chain
from target_app.gateway.routing import RoutingSettings
from target_app.model import Deliver, Model, ModelCall, ModelReply
from target_app.prompting import ROUTES

_TRANSIENT: Final = frozenset({Code.THROTTLED, Code.UNAVAILABLE, Code.MODEL_TIMEOUT, Code.MODEL_ERROR})
#: Clients name models: from this many on, the rest share one breaker. A name that nothing has proved to be a model's
#: yet, and those rest, share one row of the metrics.
_MODELS: Final = 64
_REST: Final = "other"

_Ask = Callable[[ModelCall], Awaitable[ModelReply]]


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All parts of the gateway, each off by default."""

    routing: RoutingSettings = RoutingSettings()
    backoff: BackoffSettings = BackoffSettings()
    breaker: BreakerSettings = BreakerSettings()
    fallback: FallbackSettings = FallbackSettings()


@dataclass(frozen=True, slots=True)
class GatewaySnapshot:
    """Counts since the start, by model: calls by the one they were routed to, answers by the one that gave them.

    `fallbacks` are counted by the model turned to, `failed` by code. Calls under way, and those whose client has gone,
    are neither answered nor failed.
    """

    calls: Mapping[str, int]
    answered: Mapping[str, int]
    failed: Mapping[Code, int]
    attempts: Mapping[str, int]
    retries: Mapping[str, int]
    fallbacks: Mapping[str, int]
    breakers: Mapping[str, BreakerSnapshot]

    @property
    def canned(self) -> int:
        """Calls that got a canned answer."""
        return self.answered.get(CANNED, 0)


class _Delivery:
    """Hands pieces on, and knows whether any has been."""

    def __init__(self, deliver: Deliver | None) -> None:
        self._deliver = deliver
        self.has_begun = False

    async def __call__(self, text: str) -> None:
        if self._deliver is not None:
            self.has_begun = True
            await self._deliver(text)


class Gateway:
    """Asks `model` by the rules of `settings`; any number of calls at once. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        model: Model,
        settings: GatewaySettings,
        *,
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._settings = settings
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        self._calls: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._failed: Counter[Code] = Counter()
        self._attempts: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._fallbacks: Counter[str] = Counter()
        own = {*ROUTES.values(), *settings.fallback.after, *settings.fallback.after.values()}
        self._breakers = {model: self._new_breaker() for model in sorted(own)}

    async def complete(self, call: ModelCall) -> ModelReply:
        """The answer, all at once. Raises ChatError: the last one met."""
        return await self._answer(call, self._model.complete, _Delivery(None))

    async def stream(self, call: ModelCall, deliver: Deliver) -> ModelReply:
        """The answer, piece by piece to `deliver`. Raises ChatError, and what `deliver` raises."""
        delivery = _Delivery(deliver)
        return await self._answer(call, lambda asked: self._model.stream(asked, delivery), delivery)

    async def is_reachable(self) -> bool:
        """Whether the models' endpoint takes connections."""
        return await self._model.is_reachable()

    def snapshot(self) -> GatewaySnapshot:
        """What has happened so far."""
        frozen = MappingProxyType
        return GatewaySnapshot(
            calls=frozen(dict(self._calls)),
            answered=frozen(dict(self._answered)),
            failed=frozen(dict(self._failed)),
            attempts=frozen(dict(self._attempts)),
            retries=frozen(dict(self._retries)),
            fallbacks=frozen(dict(self._fallbacks)),
            breakers=frozen({name: breaker.snapshot() for name, breaker in self._breakers.items()}),
        )

    async def _answer(self, call: ModelCall, ask: _Ask, delivery: _Delivery) -> ModelReply:
        self._calls[self._name(call.model)] += 1
        try:
            reply = await self._along_the_chain(call, ask, delivery)
        except ChatError as error:
            self._failed[error.code] += 1
            raise
        self._answered[reply.model if reply.model == CANNED else self._name(reply.model)] += 1
        return reply

    async def _along_the_chain(self, call: ModelCall, ask: _Ask, delivery: _Delivery) -> ModelReply:
        fallback = self._settings.fallback
        models = chain(call.model, fallback)
        for place, model in enumerate(models):
            if place:
                self._fallbacks[self._name(model)] += 1
            try:
                return await self._patiently(replace(call, model=model), ask, delivery)
            except ChatError as error:
                has_next = model != models[-1] or (fallback.enabled and fallback.canned)
                if not (has_next and _is_repeatable(error, delivery)):
                    raise
        reply = canned("unavailable", call.turns[-1].text)
        await delivery(reply.text)
        return reply

    async def _patiently(self, call: ModelCall, ask: _Ask, delivery: _Delivery) -> ModelReply:
        """The answer of one model, with retries."""
        n_retried = 0
        while True:
            try:
                return await self._once(call, ask)
            except _RestingError:
                raise
            except ChatError as error:
                if not _is_repeatable(error, delivery):
                    raise
                wait_s = delay_s(self._settings.backoff, n_retried, error.retry_after, self._rng)
                if wait_s is None:
                    raise
            n_retried += 1
            self._retries[self._name(call.model)] += 1
            await self._sleep(wait_s)

    async def _once(self, call: ModelCall, ask: _Ask) -> ModelReply:
        """One attempt, and what it tells the model's breaker. Raises ChatError."""
        breaker = self._breaker(call.model)
        period = breaker.admit()
        if period is None:
            raise _RestingError(breaker.left_s())
        try:
            reply = await ask(call)
        except ChatError as error:
            if error.code is not Code.BAD_REQUEST:
                breaker = self._registered(call.model, breaker)
            (breaker.failed if error.code in _TRANSIENT else breaker.given_up)(period)
            raise
        except BaseException:  # cancelled, or the client is gone: no fault of the model's
            breaker.given_up(period)
            raise
        else:
            self._registered(call.model, breaker).succeeded(period)
            return reply
        finally:
            self._attempts[self._name(call.model)] += 1

    def _breaker(self, model: str) -> Breaker:
        """The model's; one that is new, and may be no model's, is forgotten unless it is registered."""
        if model in self._breakers:
            return self._breakers[model]
        new = self._new_breaker()
        return new if len(self._breakers) < _MODELS else self._breakers.setdefault(_REST, new)

    def _registered(self, model: str, breaker: Breaker) -> Breaker:
        """The breaker of what has turned out to be a model: `breaker`, unless another call was faster."""
        if len(self._breakers) < _MODELS:
            self._breakers.setdefault(model, breaker)
        return self._breakers.get(model, breaker)

    def _new_breaker(self) -> Breaker:
        return Breaker(self._settings.breaker, self._clock)

    def _name(self, model: str) -> str:
        return model if model in self._breakers else _REST


class _RestingError(ChatError):
    """The model's breaker is open: not worth a retry, though a substitute is."""

    def __init__(self, left_s: float) -> None:
        words = "the model failed too often and is left alone for a while"
        super().__init__(Code.UNAVAILABLE, words, retry_after=str(max(1, math.ceil(left_s))))


def _is_repeatable(error: ChatError, delivery: _Delivery) -> bool:
    return error.code in _TRANSIENT and not delivery.has_begun
