"""One chat message from history to answer; knows no transport and no provider.

    session -> answer cache -> retrieval -> prompt -> model -> validation -> answer

Each part but the model may be absent, and each store may fail: then the answer goes without, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from target_app.chat import ChatMessage, Done, Fault, Timing
from target_app.gateway.answer_cache import AnswerCache, Hit
from target_app.gateway.asked import Asked
from target_app.gateway.routing import RoutingSettings, pick
from target_app.model import Deliver, Model, ModelCall, ModelReply
from target_app.prompting import call_for, window
from target_app.stopwatch import Stopwatch
from target_app.stores.errors import StoreError
from target_app.stores.product import Product
from target_app.stores.sessions import Exchange, SessionStore
from target_app.stores.watched import noting
from target_app.validation.expectation import ValidationSettings, expectation
from target_app.validation.finding import Finding
from target_app.validation.repair import Action, Repaired, repair
from target_app.validation.validate import validate


class Retrieval(Protocol):
    """Finds what of the catalogue a question is about."""

    async def retrieve(self, question: str, limit: int = 5) -> tuple[Product, ...]:
        """The products, the best first. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What may come before and after the model; all of it is off by default."""

    cache: AnswerCache | None = None
    retrieval: Retrieval | None = None
    n_sources: int = 5
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: its text, what the API says at its end, and all that validation found on the way to it."""

    text: str
    done: Done
    found: tuple[Fault, ...] = ()


class Orchestrator:
    """Answers chat messages with one model and one session store; any number at once."""

    def __init__(
        self,
        model: Model,
        sessions: SessionStore,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        parts: Parts | None = None,
    ) -> None:
        self._model = model
        self._sessions = sessions
        self._clock_ns = clock_ns
        self._parts = parts or Parts()

    async def answer(self, message: ChatMessage, deliver: Deliver | None = None, user: str | None = None) -> Answer:
        """The answer to `message`; with `deliver` its text is streamed there too, as it comes.

        The session is one of `user`'s; None is the one that everybody is without tokens.

        With repair switched on, nothing is delivered before the whole answer has been found fit. The exchange is kept
        once it is complete: a failed or cancelled one leaves the history as it was. Raises ChatError.
        """
        with noting() as failed:
            turn = _Turn(self._model, self._sessions, self._parts, self._clock_ns, failed)
            answer = await turn.answer(_owned(message, user), deliver)
        if user is None:
            return answer
        return replace(answer, done=msgspec.structs.replace(answer.done, session_id=message.session_id))


class _Turn:
    """One message on its way; `failed` are the stores it had to do without."""

    def __init__(
        self, model: Model, sessions: SessionStore, parts: Parts, clock_ns: Callable[[], int], failed: set[str]
    ) -> None:
        self._model = model
        self._sessions = sessions
        self._parts = parts
        self._watch = Stopwatch(clock_ns)
        self._failed = failed

    async def answer(self, message: ChatMessage, deliver: Deliver | None) -> Answer:
        chosen = pick(message, self._parts.routing)
        history = await self._history(message)
        asked = await self._asked(message, chosen, history)
        hit = await self._find(asked)
        if hit is None:
            repaired = await self._ask(message, chosen, history, deliver)
            await self._keep_answer(asked, repaired)
        else:
            repaired = Repaired(hit.reply, Action.FIT)
            if deliver is not None:
                await deliver(hit.reply.text)
        await self._keep_exchange(message, repaired.reply)
        return self._told(message, repaired, hit)

    async def _history(self, message: ChatMessage) -> tuple[Exchange, ...]:
        if message.bare:
            return ()
        with self._watch.timed("session"):
            try:
                return await self._sessions.history(message.session_id)
            except StoreError as error:
                self._failed.add(error.store)
                return ()

    async def _asked(self, message: ChatMessage, chosen: str, history: tuple[Exchange, ...]) -> Asked | None:
        if self._parts.cache is None:
            return None
        with self._watch.timed("cache"):
            return await self._parts.cache.asked(message, chosen, window(history))

    async def _find(self, asked: Asked | None) -> Hit | None:
        if asked is None or self._parts.cache is None:
            return None
        with self._watch.timed("cache"):
            return await self._parts.cache.find(asked)

    async def _sources(self, message: ChatMessage) -> tuple[Product, ...] | None:
        """What was retrieved; None where nothing was looked for, or it could not be."""
        if self._parts.retrieval is None or message.bare:
            return None
        with self._watch.timed("retrieval"):
            try:
                return await self._parts.retrieval.retrieve(message.message, self._parts.n_sources)
            except StoreError as error:
                self._failed.add(error.store)
                return None

    async def _ask(
        self, message: ChatMessage, chosen: str, history: tuple[Exchange, ...], deliver: Deliver | None
    ) -> Repaired:
        """The model's answer, held against what is expected of it."""
        sources = await self._sources(message)
        call = call_for(message, history, sources or (), chosen)
        settings = self._parts.validation
        is_held_back = bool(settings.checks) and settings.repair
        reply = await self._reply(call, None if is_held_back else deliver)
        if not settings.checks:
            return Repaired(reply, Action.FIT)
        with self._watch.timed("validation"):
            wanted = expectation(message.message, message.query_type, call.system, sources, settings)
            if is_held_back:
                repaired = await repair(self._whole_reply, call, reply, wanted)
            else:
                findings = validate(reply.text, wanted)
                repaired = Repaired(reply, Action.FIT, findings, findings)
        if is_held_back and deliver is not None and repaired.reply.text:
            await deliver(repaired.reply.text)
        return repaired

    async def _reply(self, call: ModelCall, deliver: Deliver | None) -> ModelReply:
        if deliver is None:
            return await self._whole_reply(call)

        async def stamped(text: str) -> None:
            self._watch.stamp("model", "model_ttft")
            await deliver(text)

        with self._watch.timed("model"):
            return await self._model.stream(call, stamped)

    async def _whole_reply(self, call: ModelCall) -> ModelReply:
        with self._watch.timed("model"):
            return await self._model.complete(call)

    async def _keep_answer(self, asked: Asked | None, repaired: Repaired) -> None:
        """Keep the answer, if nothing is wrong with it and nothing was missing when it was made."""
        if asked is not None and self._parts.cache is not None:
            with self._watch.timed("cache"):
                is_valid = not repaired.findings and not self._failed
                await self._parts.cache.keep(asked, repaired.reply, is_valid=is_valid)

    async def _keep_exchange(self, message: ChatMessage, reply: ModelReply) -> None:
        if reply.text and not message.bare:
            with self._watch.timed("session"):
                try:
                    await self._sessions.append(message.session_id, Exchange(message.message, reply.text))
                except StoreError as error:
                    self._failed.add(error.store)

    def _told(self, message: ChatMessage, repaired: Repaired, hit: Hit | None) -> Answer:
        reply = repaired.reply
        done = Done(
            request_id=message.request_id,
            session_id=message.session_id,
            model=reply.model,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            timing=_timing(self._watch),
            cache=hit.layer if hit else None,
            degraded=tuple(sorted(self._failed)),
            validation=_faults(repaired.findings),
            repair=None if repaired.action is Action.FIT else repaired.action.value,
            also_used=repaired.also_used,
        )
        return Answer(reply.text, done, _faults(repaired.found))


def _owned(message: ChatMessage, user: str | None) -> ChatMessage:
    """The message with its session under a key that is the user's alone: no user's name has a `/` in it."""
    return message if user is None else msgspec.structs.replace(message, session_id=f"{user}/{message.session_id}")


def _timing(watch: Stopwatch) -> Timing:
    """The split so far; unstreamed, or without a text, the model's first text is all of it."""
    model_s = watch.spent_s("model")
    return Timing(
        session_s=watch.spent_s("session"),
        cache_s=watch.spent_s("cache"),
        retrieval_s=watch.spent_s("retrieval"),
        model_ttft_s=watch.spent_s("model_ttft", model_s),
        model_s=model_s,
        validation_s=watch.spent_s("validation"),
        total_s=watch.total_s(),
    )


def _faults(findings: Iterable[Finding]) -> tuple[Fault, ...]:
    return tuple(Fault(finding.check, finding.reason) for finding in findings)
