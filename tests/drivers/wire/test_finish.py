"""Finish reasons: who ended the answer, and whether that is what was asked for."""

import pytest

from loadtester.drivers.wire.finish import outcome_of_finish
from loadtester.model import Outcome


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        (("end_turn", "stop", "stop_sequence", "tool_use", "tool_calls", "function_call", "eos", "STOP"), Outcome.OK),
        (("max_tokens", "length", "model_context_window_exceeded", "MAX_TOKENS"), Outcome.TRUNCATED),
        (("content_filter", "content_filtered", "guardrail_intervened", "refusal"), Outcome.FILTERED),
        (("malformed_model_output", "malformed_tool_use"), Outcome.INVALID),
        (("unavailable",), Outcome.UNAVAILABLE),
        (("error",), Outcome.SERVER_ERROR),
        (("abort", "", None), Outcome.BROKEN),
    ],
)
def test_reasons(reasons, outcome):
    """Each reason has one outcome; a reason nobody knows is the model's own, no reason at all is a broken answer."""
    assert {outcome_of_finish(reason) for reason in reasons} == {outcome}
