"""One message from history to answer, on a scripted model and a clock that only the test moves."""

import asyncio
from collections import deque
from dataclasses import replace

import pytest

from target_app.chat import ChatMessage, Spent, Timing, Usage
from target_app.embedding.lexical import LexicalEmbedder
from target_app.errors import ChatError, Code
from target_app.gateway.answer_cache import AnswerCache, AnswerCacheSettings
from target_app.gateway.cache_rules import Titles
from target_app.model import ModelReply, Turn
from target_app.orchestrator import Orchestrator, Parts
from target_app.stores.errors import StoreError
from target_app.stores.memory_cache import MemoryCache
from target_app.stores.numpy_vectors import NumpyVectors
from target_app.stores.product import Product
from target_app.stores.sessions import Exchange, MemorySessions
from target_app.validation.expectation import ValidationSettings
from target_app.validation.finding import Check

USAGE = Usage(input_tokens=12, output_tokens=3, cache_read_tokens=5, cache_write_tokens=7)
S = 1_000_000_000


class Clock:
    """Nanoseconds that pass only when somebody says so."""

    def __init__(self):
        self.now_ns = 50 * S

    def __call__(self):
        return self.now_ns

    def pass_s(self, seconds):
        self.now_ns += round(seconds * S)


class Script:
    """A model that says its pieces; each takes `piece_s` on the clock."""

    def __init__(self, pieces=("One ", "Piece"), clock=None, piece_s=0.25, error=None):
        self.pieces, self.clock, self.piece_s, self.error = pieces, clock, piece_s, error
        self.calls = []
        self.ways = []

    async def _say(self, call, deliver):
        self.calls.append(call)
        for piece in self.pieces:
            if self.clock:
                self.clock.pass_s(self.piece_s)
            if deliver:
                await deliver(piece)
        if self.error:
            raise self.error
        return ModelReply("".join(self.pieces), "the-model-that-answered", "end_turn", USAGE)

    async def complete(self, call):
        self.ways.append("complete")
        return await self._say(call, None)

    async def stream(self, call, deliver):
        self.ways.append("stream")
        return await self._say(call, deliver)

    async def is_reachable(self):
        return True


def message(text="Hello!", **fields):
    return ChatMessage(request_id="r", session_id="s", message=text, **fields)


async def ignore(text):
    pass


def test_streams_as_it_comes():
    """With somewhere to deliver, each piece goes there in order; without, the model is asked for all at once."""
    model, got = Script(), []

    async def deliver(text):
        got.append(text)

    orchestrator = Orchestrator(model, MemorySessions())
    streamed = asyncio.run(orchestrator.answer(message(bare=True), deliver))
    whole = asyncio.run(orchestrator.answer(message(bare=True)))
    assert (got, model.ways) == (["One ", "Piece"], ["stream", "complete"])
    assert streamed.text == whole.text == "One Piece"


def test_done_says_who_answered():
    """The answer's end has the ids of the message, and model, reason and tokens as the model gave them."""
    done = asyncio.run(Orchestrator(Script(), MemorySessions()).answer(message())).done
    assert (done.request_id, done.session_id) == ("r", "s")
    assert (done.model, done.finish_reason, done.usage) == ("the-model-that-answered", "end_turn", USAGE)


@pytest.mark.parametrize(("deliver", "ttft_s"), [(ignore, 0.25), (None, 0.5)])
def test_the_time_is_split(deliver, ttft_s):
    """Session, first text, model and total are told apart; unstreamed, the first text is the whole answer's time."""
    clock = Clock()

    class SlowSessions(MemorySessions):
        async def history(self, session_id):
            clock.pass_s(0.125)
            return await super().history(session_id)

        async def append(self, session_id, exchange):
            clock.pass_s(0.0625)
            await super().append(session_id, exchange)

    orchestrator = Orchestrator(Script(clock=clock), SlowSessions(), clock)
    answer = asyncio.run(orchestrator.answer(message(), deliver))
    assert answer.done.timing == Timing(session_s=0.1875, model_ttft_s=ttft_s, model_s=0.5, total_s=0.6875)


def test_an_answer_without_text_has_a_first_text_time():
    """Where no piece came, the first-text time is the model's whole time."""
    clock = Clock()
    model = Script(pieces=(), clock=clock)
    answer = asyncio.run(Orchestrator(model, MemorySessions(), clock).answer(message(), ignore))
    assert answer.done.timing.model_ttft_s == answer.done.timing.model_s


def test_turns_build_on_each_other():
    """The second turn of a session brings the first one along; another session doesn't."""
    model = Script()
    orchestrator = Orchestrator(model, MemorySessions())

    async def talk():
        await orchestrator.answer(message("first"), ignore)
        await orchestrator.answer(message("second"))
        await orchestrator.answer(ChatMessage(request_id="r", session_id="other", message="third"))

    asyncio.run(talk())
    first = (Turn("user", "first"), Turn("assistant", "One Piece"))
    assert [call.turns for call in model.calls] == [
        (Turn("user", "first"),),
        (*first, Turn("user", "second")),
        (Turn("user", "third"),),
    ]


def test_bare_neither_reads_nor_keeps_history():
    """A bare message sees no history and leaves none."""
    model, sessions = Script(), MemorySessions()

    async def talk():
        await sessions.append("s", Exchange("before", "that"))
        await Orchestrator(model, sessions).answer(message("text", bare=True), ignore)
        return await sessions.history("s")

    assert asyncio.run(talk()) == (Exchange("before", "that"),)
    assert model.calls[0].turns == (Turn("user", "text"),)


@pytest.mark.parametrize(
    "error", [ChatError(Code.THROTTLED, "slow down"), RuntimeError("a bug"), asyncio.CancelledError()]
)
def test_what_has_no_answer_leaves_no_history(error):
    """A failed or cancelled turn raises as it is, and the conversation goes on as if it had not been."""
    sessions = MemorySessions()

    async def talk():
        with pytest.raises(type(error)):
            await Orchestrator(Script(error=error), sessions).answer(message(), ignore)
        return await sessions.history("s")

    assert asyncio.run(talk()) == ()


def test_an_empty_answer_is_not_kept():
    """An answer without text would make the next call invalid, as Bedrock takes no blank turns."""
    sessions = MemorySessions()

    async def talk():
        await Orchestrator(Script(pieces=()), sessions).answer(message())
        return await sessions.history("s")

    assert asyncio.run(talk()) == ()


def test_one_that_cannot_be_routed_asks_no_model():
    """Without a model to ask, the message is refused before anything is called."""
    model = Script()
    with pytest.raises(ChatError):
        asyncio.run(Orchestrator(model, MemorySessions()).answer(message(query_type="unheard of")))
    assert not model.calls


def test_cancelled_while_delivering_it_stops_the_model():
    """A client that goes away while a piece is on its way cancels the call to the model."""
    released = deque()

    class Held(Script):
        async def stream(self, call, deliver):
            try:
                return await self._say(call, deliver)
            finally:
                released.append(call.model)

    async def talk():
        begun = asyncio.Event()

        async def stuck(_):
            begun.set()
            await asyncio.Event().wait()

        turn = asyncio.create_task(Orchestrator(Held(), MemorySessions()).answer(message(model="m"), stuck))
        await begun.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn

    asyncio.run(talk())
    assert list(released) == ["m"]


PRODUCT = Product("MGA-000001", "A <b>", "あ|い", 3, "Oda & co", "adventure", 660, 4, "2021-10-05", "Two\nlines.")


class Down:
    """Every store, down."""

    async def history(self, _):
        raise StoreError("sessions", "down")

    async def append(self, *_):
        raise StoreError("sessions", "down")

    async def retrieve(self, *_):
        raise StoreError("vectors", "down")


class Shelf:
    """Retrieval that finds one product, whatever is asked."""

    async def retrieve(self, *_):
        return (PRODUCT,)


def cached(exact=True):
    return AnswerCache(
        AnswerCacheSettings(exact=exact),
        cache=MemoryCache(),
        vectors=NumpyVectors(),
        embedder=LexicalEmbedder(),
        titles=Titles(()),
    )


def test_stores_that_are_down_degrade_the_answer():
    """Without history and sources there is still an answer, which says what it had to do without, once each."""
    orchestrator = Orchestrator(Script(), Down(), parts=Parts(retrieval=Down()))
    answer = asyncio.run(orchestrator.answer(message(), ignore))
    assert (answer.text, answer.done.degraded) == ("One Piece", ("sessions", "vectors"))


def test_sources_are_part_of_the_prompt():
    """What was retrieved ends the system prompt, a line each, with nothing in it that could be read as markup."""
    model = Script()
    asyncio.run(Orchestrator(model, MemorySessions(), parts=Parts(retrieval=Shelf())).answer(message()))
    assert model.calls[0].system.splitlines()[-3:] == [
        "<sources>",
        (
            '<source id="MGA-000001">あ/い | A &lt;b&gt; | volume 3 | Oda &amp; co | ¥660 | in stock 4 | 2021-10-05 | '
            "Two lines.</source>"
        ),
        "</sources>",
    ]


def test_a_bare_message_gets_no_sources():
    """A bare message is all the model sees."""
    model = Script()
    asyncio.run(Orchestrator(model, MemorySessions(), parts=Parts(retrieval=Shelf())).answer(message(bare=True)))
    assert model.calls[0].system is None


def test_a_hit_asks_no_model():
    """A question asked before is answered from the cache: the same text, no tokens, no time at the model."""
    model, got = Script(), []

    async def deliver(text):
        got.append(text)

    async def talk():
        orchestrator = Orchestrator(model, MemorySessions(), parts=Parts(cache=cached()))
        first = await orchestrator.answer(message(bare=True))
        return first, await orchestrator.answer(message(bare=True), deliver)

    first, second = asyncio.run(talk())
    assert (first.done.cache, second.done.cache, len(model.calls)) == (None, "exact", 1)
    assert (second.text, got) == ("One Piece", ["One Piece"])
    assert (second.done.usage, second.done.model) == (Usage(0, 0), "the-model-that-answered")
    assert second.done.timing.model_s == second.done.timing.model_ttft_s == 0


def test_a_degraded_answer_is_not_cached():
    """What was answered without its sources isn't given to the next who asks."""
    model = Script()

    async def talk():
        orchestrator = Orchestrator(model, MemorySessions(), parts=Parts(cache=cached(), retrieval=Down()))
        for session in "ab":
            await orchestrator.answer(ChatMessage(request_id="r", session_id=session, message="Hello!"))

    asyncio.run(talk())
    assert len(model.calls) == 2


def test_a_streamed_answer_is_validated_at_its_end():
    """Its pieces flow; what is wrong with it comes at the end, and it is given all the same."""
    got = []

    async def deliver(text):
        got.append(text)

    parts = Parts(validation=ValidationSettings(checks=frozenset({Check.LANGUAGE})))
    answer = asyncio.run(Orchestrator(Script(), MemorySessions(), parts=parts).answer(message("こんにちは"), deliver))
    assert got == ["One ", "Piece"]
    assert [fault.check for fault in answer.done.validation] == ["language"]
    assert answer.done.repair is None


def test_with_repair_nothing_is_delivered_before_it_is_fit():
    """The answer is held back, and what is delivered, kept and counted is the better second one."""
    got = []

    class Learns(Script):
        async def complete(self, call):
            reply = await super().complete(call)
            return reply if len(self.calls) == 1 else replace(reply, text="いらっしゃいませ、ご用件をどうぞ。")

    async def deliver(text):
        got.append(text)

    parts = Parts(validation=ValidationSettings(checks=frozenset({Check.LANGUAGE}), repair=True))
    sessions = MemorySessions()

    async def talk():
        answer = await Orchestrator(Learns(), sessions, parts=parts).answer(message("こんにちは"), deliver)
        return answer, await sessions.history("s")

    answer, history = asyncio.run(talk())
    assert got == [answer.text] == [history[0].answer] == ["いらっしゃいませ、ご用件をどうぞ。"]
    assert (answer.done.repair, answer.done.validation) == ("retried", ())
    assert answer.done.usage == USAGE
    assert answer.done.body()["also_used"] == (Spent(answer.done.model, USAGE),)
    assert [fault.check for fault in answer.found] == ["language"]


def test_a_second_try_is_the_models_time():
    """What the model takes to mend an answer is none of validation's, hence none of the app's own."""
    clock = Clock()
    parts = Parts(validation=ValidationSettings(checks=frozenset({Check.LANGUAGE}), repair=True))
    model = Script(clock=clock)
    answer = asyncio.run(Orchestrator(model, MemorySessions(), clock, parts).answer(message("こんにちは")))
    assert len(model.calls) == 2
    timing = answer.done.timing
    assert (timing.model_s, timing.validation_s, timing.total_s) == (1.0, 0.0, 1.0)
