"""Takes in a chat message for any transport: parsed, answered, and on record however it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from target_app.chat import ChatMessage, parse
from target_app.errors import ChatError, Code
from target_app.journal import Journal, Line
from target_app.model import Deliver
from target_app.orchestrator import Answer, Orchestrator
from target_app.prompting import route

_log = logging.getLogger("target_app")


class ClientGoneError(Exception):
    """The client left before its answer was complete; a transport raises it where it finds out."""


class OverdueError(ChatError):
    """The service's own time limit for one answer has passed."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(Code.MODEL_TIMEOUT, f"the answer was not complete within {limit_s:g} s")


class Reception:
    """What the transports share. Every message that is taken ends as one line of the journal.

    An answer that takes longer than `limit_s` is given up, with OverdueError; None sets no limit.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        journal: Journal,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        *,
        limit_s: float | None = None,
    ) -> None:
        self._orchestrator = orchestrator
        self._journal = journal
        self._clock_ns = clock_ns
        self._limit_s = limit_s

    async def take(
        self, data: bytes | str, transport: str, deliver: Deliver | None = None, *, user: str | None = None
    ) -> Answer:
        """Answer the message in the JSON text `data`, streamed to `deliver` if given; the session is `user`'s own.

        Raises ChatError, whatever went wrong inside, and lets ClientGoneError pass.
        """
        visit = _Visit(transport, self._clock_ns)
        try:
            visit.message = parse(data)
            visit.model = route(visit.message)
            visit.answer = await self._answer(visit.message, visit.stamped(deliver), user)
        except ChatError as error:
            visit.outcome = error.code
            raise
        except (ClientGoneError, asyncio.CancelledError):
            visit.outcome = "client_gone"
            raise
        except Exception as error:
            _log.exception("a chat message failed")
            raise ChatError(Code.INTERNAL, "something went wrong inside the service") from error
        else:
            visit.outcome = "ok"
            return visit.answer
        finally:
            self._journal.write(visit.line())

    async def _answer(self, message: ChatMessage, deliver: Deliver | None, user: str | None) -> Answer:
        if self._limit_s is None:
            return await self._orchestrator.answer(message, deliver, user)
        limit = asyncio.timeout(self._limit_s)
        try:
            async with limit:
                return await self._orchestrator.answer(message, deliver, user)
        except TimeoutError:
            if limit.expired():
                raise OverdueError(self._limit_s) from None
            raise


class _Visit:
    """What is known of one message so far."""

    def __init__(self, transport: str, clock_ns: Callable[[], int]) -> None:
        self.transport = transport
        self.outcome: str = Code.INTERNAL
        self.message: ChatMessage | None = None
        self.model: str | None = None
        self.answer: Answer | None = None
        self._clock_ns = clock_ns
        self._arrived_ns = clock_ns()
        self._first_ns: int | None = None

    def stamped(self, deliver: Deliver | None) -> Deliver | None:
        """`deliver`, with the first piece's time kept."""
        if deliver is None:
            return None

        async def first_then(text: str) -> None:
            if self._first_ns is None:
                self._first_ns = self._clock_ns()
            await deliver(text)

        return first_then

    def line(self) -> Line:
        """The line for the journal, as of now."""
        done = self.answer.done if self.answer else None
        usage = done.usage if done else None
        return Line(
            request_id=self.message.request_id if self.message else None,
            session_id=self.message.session_id if self.message else None,
            transport=self.transport,
            outcome=self.outcome,
            arrived_ns=self._arrived_ns,
            first_ns=self._first_ns,
            ended_ns=self._clock_ns(),
            model=done.model if done else self.model,
            finish_reason=done.finish_reason if done else None,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cache_read_tokens=usage.cache_read_tokens if usage else None,
            cache_write_tokens=usage.cache_write_tokens if usage else None,
            cache=done.cache if done else None,
            degraded=done.degraded if done else (),
            validation=self.answer.found if self.answer else (),
            repair=done.repair if done else None,
            also_used=done.also_used if done else (),
        )
