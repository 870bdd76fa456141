"""Bedrock's Converse: the parameters that ask a request, and what an answer or a stream of events tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from loadtester.drivers.wire.finish import outcome_of_finish
from loadtester.model import Ending, Outcome, Request, Usage

#: What Bedrock does not take in the values of requestMetadata; they have 256 characters at most.
_NOT_METADATA: Final = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_METADATA_CHARS: Final = 256


def converse_parameters(request: Request) -> dict[str, Any]:
    """The parameters of Converse and ConverseStream, under the names of Bedrock's API; there is no system prompt."""
    metadata = {"request_id": f"r-{request.id}", "query_type": request.query}
    if request.want_output_tokens is not None:
        metadata["output_tokens"] = str(request.want_output_tokens)
    return {
        "modelId": request.model,
        "messages": [{"role": "user", "content": [{"text": request.prompt}]}],
        "inferenceConfig": {"maxTokens": request.max_tokens},
        "requestMetadata": {
            name: _NOT_METADATA.sub("-", value)[:_METADATA_CHARS] for name, value in metadata.items() if value
        },
    }


def answer_text(answer: Mapping[str, Any]) -> str:
    """The text of a Converse answer: its text blocks, one after the other."""
    blocks = answer.get("output", {}).get("message", {}).get("content", [])
    return "".join(block.get("text", "") for block in blocks)


class ConverseEnd:
    """What the last parts of an answer said, gathered from one answer or from a stream's events."""

    __slots__ = ("_finish_reason", "_metadata")

    def __init__(self) -> None:
        self._finish_reason: str | None = None
        self._metadata: Mapping[str, Any] | None = None

    def take(self, event: Mapping[str, Any]) -> str:
        """Look at one event; returns the text that it adds to the answer, "" for most."""
        delta = event.get("contentBlockDelta")
        if delta is not None:
            return str(delta.get("delta", {}).get("text", ""))
        if "messageStop" in event:
            self._finish_reason = event["messageStop"].get("stopReason")
        elif "metadata" in event:
            self._metadata = event["metadata"]
        return ""

    def take_answer(self, answer: Mapping[str, Any]) -> None:
        """Look at a Converse answer, which holds all of it."""
        self._finish_reason = answer.get("stopReason")
        self._metadata = answer

    def ending(self, model: str) -> Ending:
        """How the answer of `model` ended; broken where its stop reason or its metadata never came."""
        finish_reason, metadata = self._finish_reason, self._metadata
        if finish_reason is None or metadata is None:
            missing = "messageStop" if finish_reason is None else "metadata"
            return Ending(Outcome.BROKEN, finish_reason, detail=f"the stream ended without {missing}")
        return Ending(
            outcome_of_finish(finish_reason),
            finish_reason=finish_reason,
            usage=_usage(metadata.get("usage")),
            model=model,
            timing_s=_timing_s(metadata.get("metrics")),
        )


def _usage(usage: Mapping[str, int] | None) -> Usage | None:
    if usage is None or "inputTokens" not in usage or "outputTokens" not in usage:
        return None
    return Usage(
        input=usage["inputTokens"],
        output=usage["outputTokens"],
        cache_read=usage.get("cacheReadInputTokens", 0),
        cache_write=usage.get("cacheWriteInputTokens", 0),
    )


def _timing_s(metrics: Mapping[str, int] | None) -> dict[str, float] | None:
    return {"model": metrics["latencyMs"] / 1000} if metrics and "latencyMs" in metrics else None
