"""One chat message from history to answer; knows no transport and no provider."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from target_app.chat import ChatMessage, Done, Timing
from target_app.model import Deliver, Model, ModelCall, ModelReply
from target_app.prompting import call_for
from target_app.stores.sessions import Exchange, SessionStore

_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: its text, and what the API says about it at the end."""

    text: str
    done: Done


class Orchestrator:
    """Answers chat messages with one model and one session store; any number at once."""

    def __init__(self, model: Model, sessions: SessionStore, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._model = model
        self._sessions = sessions
        self._clock_ns = clock_ns

    async def answer(self, message: ChatMessage, deliver: Deliver | None = None) -> Answer:
        """The answer to `message`; with `deliver` its text is streamed there too, as it comes.

        The exchange is kept once it is complete: a failed or cancelled one leaves the history as it was.
        Raises ChatError.
        """
        begin_ns = self._clock_ns()
        history = () if message.bare else await self._sessions.history(message.session_id)
        session_ns = self._clock_ns() - begin_ns
        reply, ttft_ns, model_ns = await self._ask(call_for(message, history), deliver)
        kept_ns = self._clock_ns()
        if reply.text and not message.bare:
            await self._sessions.append(message.session_id, Exchange(message.message, reply.text))
        end_ns = self._clock_ns()
        timing = Timing(
            session_s=(session_ns + end_ns - kept_ns) / _NS_PER_S,
            model_ttft_s=ttft_ns / _NS_PER_S,
            model_s=model_ns / _NS_PER_S,
            total_s=(end_ns - begin_ns) / _NS_PER_S,
        )
        return Answer(reply.text, _done(message, reply, timing))

    async def _ask(self, call: ModelCall, deliver: Deliver | None) -> tuple[ModelReply, int, int]:
        """The reply, and how long its first text and all of it took; unstreamed, the first text is all of it."""
        begin_ns = self._clock_ns()
        first_ns: int | None = None

        async def stamped(text: str, deliver: Deliver) -> None:
            nonlocal first_ns
            if first_ns is None:
                first_ns = self._clock_ns()
            await deliver(text)

        if deliver is None:
            reply = await self._model.complete(call)
        else:
            reply = await self._model.stream(call, lambda text: stamped(text, deliver))
        end_ns = self._clock_ns()
        return reply, (end_ns if first_ns is None else first_ns) - begin_ns, end_ns - begin_ns


def _done(message: ChatMessage, reply: ModelReply, timing: Timing) -> Done:
    return Done(
        request_id=message.request_id,
        session_id=message.session_id,
        model=reply.model,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        timing=timing,
    )
