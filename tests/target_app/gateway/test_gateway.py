"""target_app.gateway.gateway: retries, breakers and fallbacks on a scripted model and a clock that only tests move."""

import asyncio
import random

import msgspec
import pytest

from target_app.chat import Usage
from target_app.errors import ChatError, Code
from target_app.gateway.backoff import BackoffSettings
from target_app.gateway.breaker import BreakerSettings, State
from target_app.gateway.fallback import FallbackSettings
from target_app.gateway.gateway import Gateway, GatewaySettings
from target_app.gateway.routing import HAIKU, SONNET
from target_app.model import ModelCall, ModelReply, Turn

RETRYING = BackoffSettings(retries=2)
FALLING_BACK = FallbackSettings(enabled=True)
BREAKING = BreakerSettings(enabled=True)
TRANSIENT = [Code.THROTTLED, Code.UNAVAILABLE, Code.MODEL_TIMEOUT, Code.MODEL_ERROR]


class Script:
    """A model that fails with the codes set for it, in order, then answers; `after` pieces where it streams."""

    def __init__(self, failures=None, after=0):
        self.failures = {model: list(codes) for model, codes in (failures or {}).items()}
        self.after = after
        self.asked = []

    async def complete(self, call):
        self.asked.append(call.model)
        await asyncio.sleep(0)
        if codes := self.failures.get(call.model):
            code = codes.pop(0)
            raise code if isinstance(code, BaseException) else ChatError(code, "scripted")
        return ModelReply(f"from {call.model}", call.model, "end_turn", Usage(1, 2))

    async def stream(self, call, deliver):
        for _ in range(self.after if self.failures.get(call.model) else 0):
            await deliver("piece ")
        reply = await self.complete(call)
        await deliver(reply.text)
        return reply

    async def is_reachable(self):
        return False


class Time:
    def __init__(self):
        self.now_s = 0.0
        self.slept = []

    def __call__(self):
        return self.now_s

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds


def call(model=SONNET, question="Recommend something"):
    return ModelCall(model, None, (Turn("user", "before"), Turn("assistant", "so"), Turn("user", question)), 100, {})


def gateway(script, *, clock=None, **parts):
    clock = clock or Time()
    return Gateway(script, GatewaySettings(**parts), rng=random.Random(1), clock=clock, sleep=clock.sleep)


def ask(gate, **fields):
    return asyncio.run(gate.complete(call(**fields)))


def fails(gate, **fields):
    with pytest.raises(ChatError) as caught:
        ask(gate, **fields)
    return caught.value


def stream(gate, **fields):
    got = []

    async def deliver(text):
        got.append(text)

    async def run():
        try:
            return await gate.stream(call(**fields), deliver)
        except ChatError as error:
            return error

    return asyncio.run(run()), got


def test_off_it_is_the_model_itself():
    """With default settings each call is one attempt, and its error the caller's."""
    script = Script({SONNET: [Code.THROTTLED]})
    gate = gateway(script)
    assert fails(gate).code is Code.THROTTLED
    assert ask(gate).model == SONNET
    assert script.asked == [SONNET, SONNET]
    assert asyncio.run(gate.is_reachable()) is False


@pytest.mark.parametrize("code", TRANSIENT)
def test_what_may_pass_is_retried(code):
    """Throttled, unavailable, timed out and failed calls are tried again after a wait."""
    script, clock = Script({SONNET: [code, code]}), Time()
    gate = gateway(script, clock=clock, backoff=RETRYING)
    assert ask(gate).model == SONNET
    assert script.asked == [SONNET] * 3
    assert len(clock.slept) == 2
    assert 0 <= clock.slept[0] <= 0.5
    assert 0 <= clock.slept[1] <= 1.0
    assert gate.snapshot().retries == {SONNET: 2}


@pytest.mark.parametrize("code", [Code.BAD_REQUEST, Code.INTERNAL])
def test_what_is_no_fault_of_the_models_is_neither_retried_nor_passed_on(code):
    """A bad request stays bad with every model, and a fault of our own is ours."""
    script = Script({SONNET: [code]})
    assert fails(gateway(script, backoff=RETRYING, fallback=FALLING_BACK)).code is code
    assert script.asked == [SONNET]


def test_retries_end():
    """After the last one the model's error is the caller's."""
    script = Script({SONNET: [Code.THROTTLED] * 9})
    gate = gateway(script, backoff=RETRYING)
    assert fails(gate).code is Code.THROTTLED
    assert script.asked == [SONNET] * 3
    assert gate.snapshot().failed == {Code.THROTTLED: 1}


def test_falls_back_from_sonnet_to_haiku():
    """Each model has its own retries; the answer names the one that gave it."""
    script = Script({SONNET: [Code.THROTTLED] * 9, HAIKU: [Code.UNAVAILABLE]})
    gate = gateway(script, backoff=RETRYING, fallback=FALLING_BACK)
    assert ask(gate).model == HAIKU
    assert script.asked == [SONNET] * 3 + [HAIKU] * 2
    snapshot = gate.snapshot()
    assert (snapshot.calls, snapshot.answered, snapshot.fallbacks) == ({SONNET: 1}, {HAIKU: 1}, {HAIKU: 1})
    assert snapshot.attempts == {SONNET: 3, HAIKU: 2}
    assert snapshot.canned == 0


@pytest.mark.parametrize(("question", "words"), [("Hello", "sorry"), ("おすすめは?", "申し訳")])
def test_in_the_end_the_answer_is_canned(question, words):
    """Where every model fails, the canned answer comes in the question's language, named so, at no tokens."""
    gate = gateway(Script({SONNET: [Code.THROTTLED], HAIKU: [Code.THROTTLED]}), fallback=FALLING_BACK)
    reply = ask(gate, question=question)
    assert words in reply.text
    assert (reply.model, reply.finish_reason, reply.usage) == ("canned", "unavailable", Usage(0, 0))
    assert gate.snapshot().canned == 1


def test_without_a_canned_answer_the_last_error_counts():
    """Switched off, the chain ends with the last model's error."""
    script = Script({SONNET: [Code.THROTTLED], HAIKU: [Code.MODEL_TIMEOUT]})
    gate = gateway(script, fallback=FallbackSettings(enabled=True, canned=False))
    assert fails(gate).code is Code.MODEL_TIMEOUT


def test_a_stream_that_has_not_begun_is_retried_and_passed_on():
    """Before its first piece a stream is as good as new; the canned answer is delivered too."""
    answer, got = stream(gateway(Script({SONNET: [Code.THROTTLED]}), fallback=FALLING_BACK))
    assert (answer.model, got) == (HAIKU, [f"from {HAIKU}"])
    both = Script({SONNET: [Code.THROTTLED], HAIKU: [Code.THROTTLED]})
    answer, got = stream(gateway(both, fallback=FALLING_BACK))
    assert (answer.model, got) == ("canned", [answer.text])


def test_a_stream_that_has_begun_is_never_repeated():
    """After the first piece a failure is the client's to see: no retry, no substitute, no canned words."""
    script = Script({SONNET: [Code.MODEL_ERROR]}, after=1)
    answer, got = stream(gateway(script, backoff=RETRYING, fallback=FALLING_BACK))
    assert (answer.code, got, script.asked) == (Code.MODEL_ERROR, ["piece "], [SONNET])


def test_what_deliver_raises_is_no_fault_of_the_models():
    """A client that is gone neither counts against the model nor starts another attempt."""
    script = Script()
    gate = gateway(script, backoff=RETRYING, fallback=FALLING_BACK, breaker=BreakerSettings(enabled=True, failures=1))

    async def gone(text):
        raise ConnectionResetError(text)

    with pytest.raises(ConnectionResetError):
        asyncio.run(gate.stream(call(), gone))
    assert script.asked == [SONNET]
    assert gate.snapshot().breakers[SONNET].state is State.CLOSED


def test_an_open_breaker_keeps_calls_from_the_model():
    """After five failures in a row the model isn't asked; without a substitute the client hears when to come back."""
    script, clock = Script({SONNET: [Code.UNAVAILABLE] * 5}), Time()
    gate = gateway(script, clock=clock, breaker=BREAKING)
    for _ in range(5):
        fails(gate)
    error = fails(gate)
    assert (error.code, error.retry_after) == (Code.UNAVAILABLE, "30")
    assert len(script.asked) == 5
    clock.now_s += 30
    assert ask(gate).model == SONNET
    breaker = gate.snapshot().breakers[SONNET]
    assert (breaker.state, breaker.refused) == (State.CLOSED, 1)


def test_an_open_breaker_sends_on_at_once():
    """A model at rest isn't waited for: no retry, straight to the substitute; each model has its own breaker."""
    script, clock = Script({SONNET: [Code.UNAVAILABLE] * 5}), Time()
    gate = gateway(script, clock=clock, breaker=BREAKING, fallback=FALLING_BACK)
    for _ in range(5):
        ask(gate)
    patient = gate.snapshot()
    slept = len(clock.slept)
    assert ask(gate).model == HAIKU
    assert len(clock.slept) == slept
    assert gate.snapshot().attempts[SONNET] == patient.attempts[SONNET] == 5
    assert gate.snapshot().breakers[HAIKU].state is State.CLOSED


def test_a_breaker_that_opens_ends_the_retries():
    """The retry after the failure that opened it meets the breaker, not the model."""
    script = Script({SONNET: [Code.UNAVAILABLE] * 9})
    breaker = BreakerSettings(enabled=True, failures=2)
    assert fails(gateway(script, backoff=BackoffSettings(retries=5), breaker=breaker)).code is Code.UNAVAILABLE
    assert len(script.asked) == 2


def test_a_cancelled_probe_does_not_lock_the_breaker():
    """A client that leaves during the probe lets the next call probe."""
    script, clock = Script({SONNET: [Code.UNAVAILABLE] * 5 + [asyncio.CancelledError()]}), Time()
    gate = gateway(script, clock=clock, breaker=BREAKING)
    for _ in range(5):
        fails(gate)
    clock.now_s += 30
    with pytest.raises(asyncio.CancelledError):
        ask(gate)
    assert ask(gate).model == SONNET


def test_the_model_asked_for_retry_after_is_heard():
    """Retry-After of a throttled call is waited for; one beyond the cap ends the retries."""
    clock = Time()
    soon = Script({SONNET: [ChatError(Code.THROTTLED, "scripted", retry_after="2")]})
    assert ask(gateway(soon, clock=clock, backoff=RETRYING)).model == SONNET
    assert clock.slept[0] >= 2
    late = Script({SONNET: [ChatError(Code.THROTTLED, "scripted", retry_after="60")]})
    assert fails(gateway(late, backoff=RETRYING)).retry_after == "60"
    assert late.asked == [SONNET]


def test_names_of_models_do_not_pile_up():
    """However many models clients name, the metrics stay bounded, and nothing is lost from their sums."""
    gate = gateway(Script())
    for n in range(200):
        ask(gate, model=f"model-{n}")
    snapshot = gate.snapshot()
    assert len(snapshot.attempts) <= 65
    assert sum(snapshot.attempts.values()) == sum(snapshot.answered.values()) == 200


def test_junk_names_take_no_model_s_place():
    """However many names are no model's, each real model has its own breaker; one that opens keeps no other."""
    junk = [f"junk-{n}" for n in range(200)]
    script = Script({**{name: [Code.BAD_REQUEST] * 9 for name in junk}, "real": [Code.UNAVAILABLE] * 5})
    after = {"mine": "yours"}
    gate = gateway(script, breaker=BREAKING, fallback=FallbackSettings(after=after))
    for name in junk:
        assert fails(gate, model=name).code is Code.BAD_REQUEST
    for _ in range(5):
        fails(gate, model="real")
    assert fails(gate, model="real").retry_after == "30"
    assert fails(gate, model="junk-1").code is Code.BAD_REQUEST
    assert ask(gate, model="also real").model == "also real"
    breakers = gate.snapshot().breakers
    assert set(breakers) == {HAIKU, SONNET, "mine", "yours", "real", "also real"}
    assert [name for name, breaker in breakers.items() if breaker.state is State.OPEN] == ["real"]


def test_calls_of_a_new_model_that_overlap_share_its_breaker():
    """The failures of calls that began before any had ended count together."""
    gate = gateway(Script({"new": [Code.UNAVAILABLE] * 5}, after=0), breaker=BREAKING)

    async def run():
        return await asyncio.gather(*(gate.complete(call(model="new")) for _ in range(5)), return_exceptions=True)

    asyncio.run(run())
    assert gate.snapshot().breakers["new"].state is State.OPEN


def test_a_snapshot_stays_as_it_was():
    """Later calls change no snapshot taken before."""
    gate = gateway(Script())
    before = gate.snapshot()
    ask(gate)
    assert (before.calls, before.attempts, gate.snapshot().calls) == ({}, {}, {SONNET: 1})


def test_settings_are_read_strictly():
    """From a configuration, each part by its name; a name or number that is wrong is an error."""
    read = msgspec.convert(
        {"backoff": {"retries": 2}, "fallback": {"enabled": True, "after": {"a": "b"}}}, GatewaySettings
    )
    assert (read.backoff.retries, read.fallback.after, read.breaker.enabled) == (2, {"a": "b"}, False)
    for wrong in ({"breakers": {}}, {"backoff": {"retries": -1}}, {"breaker": {"open_s": 0}}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, GatewaySettings)
