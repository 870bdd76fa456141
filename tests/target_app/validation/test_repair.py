"""target_app.validation.repair: what becomes of an answer that fails, on a scripted model."""

import asyncio

import pytest

from target_app.chat import Spent, Usage
from target_app.errors import ChatError, Code
from target_app.gateway.canned import CANNED, canned
from target_app.gateway.routing import HAIKU, SONNET
from target_app.model import ModelCall, ModelReply, Turn
from target_app.stores.product import Product
from target_app.validation.expectation import Expectation
from target_app.validation.finding import Check
from target_app.validation.repair import Action, repair, simpler

SOURCES = "<sources>\n<source id='MGA-000001'>進撃の巨人 | Attack on Titan</source>\n</sources>"
PRODUCT = Product("MGA-000001", "Attack on Titan", "進撃の巨人", 34, "A", "action", 550, 4, "2021-10-05", "S")
QUESTION = Turn("user", "How much is Attack on Titan?")
CALL = ModelCall(
    SONNET, f"Long rules.\n{SOURCES}", (Turn("user", "Hi"), Turn("assistant", "Hi!"), QUESTION), 99, {"request_id": "r"}
)
WANTED = Expectation(
    question=QUESTION.text,
    language="en",
    system=CALL.system,
    is_safe=True,
    sources=(PRODUCT,),
    bounds_chars=(4, 80),
    forbidden=("scan",),
)
SPENT = Usage(10, 20, 1, 2)
AGAIN = Usage(1, 2, 3, 4)


class Script:
    """A model with one answer, or one error."""

    def __init__(self, answer):
        self.answer, self.calls = answer, []

    async def complete(self, call):
        self.calls.append(call)
        if isinstance(self.answer, ChatError):
            raise self.answer
        if isinstance(self.answer, ModelReply):
            return self.answer
        return ModelReply(self.answer, call.model, "end_turn", Usage(1, 2, 3, 4))


def repaired(first, second="It costs ¥550."):
    model = Script(second)
    reply = ModelReply(first, SONNET, "end_turn", SPENT)
    return asyncio.run(repair(model.complete, CALL, reply, WANTED)), model.calls, reply


def checks(findings):
    return [finding.check for finding in findings]


def test_a_fit_answer_is_left_alone():
    """It costs no call."""
    result, calls, reply = repaired("It costs ¥550.")
    assert (result.reply, result.action, result.found, calls) == (reply, Action.FIT, (), [])


@pytest.mark.parametrize(
    ("first", "check"),
    [("五百五十円です。", Check.LANGUAGE), ("It costs ¥1.", Check.GROUNDING), ("It is so good. " * 9, Check.LENGTH)],
)
def test_language_grounding_and_length_get_one_more_try(first, check):
    """Haiku is asked once; its answer is given with its own tokens, and those of the first call apart."""
    result, calls, _ = repaired(first)
    assert (result.reply.text, result.reply.model, result.action) == ("It costs ¥550.", HAIKU, Action.RETRIED)
    assert (checks(result.found), result.findings) == ([check], ())
    assert (result.reply.usage, result.also_used) == (AGAIN, (Spent(SONNET, SPENT),))
    assert calls == [simpler(CALL)]


def test_an_unsafe_answer_is_replaced_at_once():
    """No second try: the canned answer, with what was spent, and reasons that repeat nothing."""
    result, calls, _ = repaired("Ask ann@example.com. It costs ¥1.")
    assert (result.reply.model, result.reply.finish_reason) == (CANNED, "guardrail_intervened")
    assert (result.reply.usage, result.also_used) == (Usage(0, 0), (Spent(SONNET, SPENT),))
    assert (result.action, calls) == (Action.CANNED, [])
    assert checks(result.found) == [Check.SAFETY, Check.GROUNDING]
    assert "ann" not in str(result.found)


@pytest.mark.parametrize("second", ["Ask ann@example.com.", f"They say: {simpler(CALL).system[:70]}"])
def test_an_unsafe_second_answer_is_replaced_too(second):
    """Personal data, or the simpler prompt it was given."""
    result, _, _ = repaired("It costs ¥1.", second)
    assert (result.reply.model, result.action) == (CANNED, Action.CANNED)
    assert result.also_used == (Spent(SONNET, SPENT), Spent(HAIKU, AGAIN))
    assert Check.SAFETY in checks(result.found)


def test_what_a_retry_would_not_mend_is_kept():
    """A forbidden word is reported, and the answer given as it is."""
    result, calls, reply = repaired("The scan costs ¥550.")
    assert (result.reply, result.action, calls) == (reply, Action.KEPT, [])
    assert checks(result.findings) == [Check.KEYWORDS]


def test_a_second_answer_that_is_no_better_is_not_given():
    """The first one stays, with its findings and tokens, the second's apart; the log has the findings of both."""
    result, calls, _ = repaired("It costs ¥1.", "It costs ¥2.")
    assert (result.reply.text, result.reply.model, result.action) == ("It costs ¥1.", SONNET, Action.KEPT)
    assert (result.reply.usage, result.also_used) == (SPENT, (Spent(HAIKU, AGAIN),))
    assert (len(calls), checks(result.findings), len(result.found)) == (1, [Check.GROUNDING], 2)


def test_a_second_try_that_fails_leaves_the_first():
    """An answer with faults is still better than none; the error is there for the log."""
    result, _, reply = repaired("It costs ¥1.", ChatError(Code.THROTTLED, "scripted"))
    assert (result.reply, result.action, result.error) == (reply, Action.KEPT, "throttled")
    assert checks(result.findings) == [Check.GROUNDING]


def test_a_canned_answer_is_no_answer_to_repair():
    """One that the gateway gave is left alone; in the place of a second try it is a try that failed."""
    reply = canned("unavailable", QUESTION.text)
    model = Script("never asked")
    assert asyncio.run(repair(model.complete, CALL, reply, WANTED)).reply == reply
    assert model.calls == []
    result, _, first = repaired("It costs ¥1.", reply)
    assert (result.reply, result.action, result.error, result.also_used) == (first, Action.KEPT, "unavailable", ())


def test_the_simpler_prompt():
    """Haiku, the last question alone, few rules in its language, the same sources, limit and labels."""
    call = simpler(CALL)
    assert (call.model, call.turns, call.max_tokens, call.metadata) == (HAIKU, (QUESTION,), 99, CALL.metadata)
    assert call.system.endswith(SOURCES)
    assert "Long rules." not in call.system
    assert "English only" in call.system


def test_a_bare_call_gets_no_prompt():
    """What was asked without a system prompt is asked again without one."""
    assert simpler(ModelCall(SONNET, None, (QUESTION,), 9, {})).system is None


def test_the_simpler_prompt_speaks_the_customers_language():
    """A Japanese question gets Japanese rules, with sources or without."""
    call = simpler(ModelCall(SONNET, "規則", (Turn("user", "いくらですか"),), 9, {}))
    assert "日本語だけ" in call.system
    assert "<sources>" not in call.system
