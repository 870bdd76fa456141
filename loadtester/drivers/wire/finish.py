"""Why an answer ended, in the words of every API that drivers speak, as an Outcome."""

from __future__ import annotations

from typing import Final

from loadtester.model import Outcome

#: How an answer ends that a service gave because no model could.
CANNED: Final = "unavailable"

#: Bedrock's stopReason, Anthropic's stop_reason, OpenAI's finish_reason (and that of servers that speak its API).
#: A reason that isn't here is one by which the model ended on its own: new words for that come up every year.
_OUTCOMES: Final = {
    "max_tokens": Outcome.TRUNCATED,
    "length": Outcome.TRUNCATED,
    "model_length": Outcome.TRUNCATED,
    "model_context_window_exceeded": Outcome.TRUNCATED,
    "content_filter": Outcome.FILTERED,
    "content_filtered": Outcome.FILTERED,
    "guardrail_intervened": Outcome.FILTERED,
    "refusal": Outcome.FILTERED,
    "safety": Outcome.FILTERED,
    "malformed_model_output": Outcome.INVALID,
    "malformed_tool_use": Outcome.INVALID,
    "error": Outcome.SERVER_ERROR,
    "abort": Outcome.BROKEN,
    # Not a model's: the bundled MangaAssist, and whoever answers as it does, of words written beforehand.
    CANNED: Outcome.UNAVAILABLE,
}


def outcome_of_finish(reason: str | None) -> Outcome:
    """The outcome of a complete answer that gave `reason` for its end; without any reason it is broken."""
    if not reason:
        return Outcome.BROKEN
    return _OUTCOMES.get(reason.lower(), Outcome.OK)
