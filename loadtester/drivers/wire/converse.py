"""Bedrock's Converse: a request to parameters or bytes, and what an answer or a stream of events tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from loadtester.drivers.wire.finish import outcome_of_finish
from loadtester.model import Ending, Outcome, Request, Usage

#: What Bedrock does not take in the values of requestMetadata; they have 256 characters at most.
_NOT_METADATA: Final = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_METADATA_CHARS: Final = 256


class _Block(msgspec.Struct, frozen=True, gc=False):
    text: str | None = None


class _Message(msgspec.Struct, frozen=True, gc=False):
    content: tuple[_Block, ...] | None = None


class _Output(msgspec.Struct, frozen=True, gc=False):
    message: _Message | None = None


class _Tokens(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class _Metrics(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    latency_ms: float | None = None


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """What an answer cost: the last event of a stream, or part of a whole answer."""

    usage: _Tokens | None = None
    metrics: _Metrics | None = None


class Answer(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A whole answer, as far as we look at it."""

    output: _Output | None = None
    stop_reason: str | None = None
    usage: _Tokens | None = None
    metrics: _Metrics | None = None

    @property
    def text(self) -> str:
        """Its text blocks, one after the other."""
        message = self.output.message if self.output is not None else None
        blocks = message.content if message is not None else None
        return "".join([block.text for block in blocks if block.text]) if blocks else ""


class _Delta(msgspec.Struct, frozen=True, gc=False):
    delta: _Block | None = None


class _Stop(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    stop_reason: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_read_delta: Final = msgspec.json.Decoder(_Delta).decode
_read_stop: Final = msgspec.json.Decoder(_Stop).decode
_read_metadata: Final = msgspec.json.Decoder(Metadata).decode
#: Raises ValueError where the bytes are no Converse answer.
read_answer: Final = msgspec.json.Decoder(Answer).decode


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


def encode_converse(request: Request) -> bytes:
    """The body that asks `request`; its model is named in the path."""
    body = converse_parameters(request)
    del body["modelId"]
    return _encode(body)


class ConverseEnd:
    """What the last parts of an answer said, gathered from one answer or from a stream's events.

    `is_complete` once both of a stream's last events have come.
    """

    __slots__ = ("_finish_reason", "_metadata")

    def __init__(self) -> None:
        self._finish_reason: str | None = None
        self._metadata: Metadata | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return self._finish_reason is not None and self._metadata is not None

    def take(self, event: Mapping[str, Any]) -> str:
        """Look at an event as the SDK decodes it; returns the text that it adds to the answer, "" for most."""
        delta = event.get("contentBlockDelta")
        if delta is not None:
            return str(delta.get("delta", {}).get("text", ""))
        if "messageStop" in event:
            self._finish_reason = event["messageStop"].get("stopReason")
        elif "metadata" in event:
            self._metadata = msgspec.convert(event["metadata"], Metadata)
        return ""

    def take_payload(self, event_type: str, payload: bytes) -> str:
        """Look at an event as it comes on the wire; as `take`. Raises ValueError where it has another format."""
        if event_type == "contentBlockDelta":
            delta = _read_delta(payload).delta
            return (delta.text or "") if delta is not None else ""
        if event_type == "messageStop":
            self._finish_reason = _read_stop(payload).stop_reason
        elif event_type == "metadata":
            self._metadata = _read_metadata(payload)
        return ""

    def take_answer(self, answer: Answer) -> None:
        """Look at a Converse answer, which holds all of it."""
        self._finish_reason = answer.stop_reason
        self._metadata = Metadata(answer.usage, answer.metrics)

    def ending(self, model: str) -> Ending:
        """How the answer of `model` ended; broken where its stop reason or its metadata never came."""
        finish_reason, metadata = self._finish_reason, self._metadata
        if finish_reason is None or metadata is None:
            missing = "messageStop" if finish_reason is None else "metadata"
            return Ending(Outcome.BROKEN, finish_reason, detail=f"the stream ended without {missing}")
        return Ending(
            outcome_of_finish(finish_reason),
            finish_reason=finish_reason,
            usage=_usage(metadata.usage),
            model=model,
            timing_s=_timing_s(metadata.metrics),
        )


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None or tokens.input_tokens is None or tokens.output_tokens is None:
        return None
    return Usage(
        input=tokens.input_tokens,
        output=tokens.output_tokens,
        cache_read=tokens.cache_read_input_tokens or 0,
        cache_write=tokens.cache_write_input_tokens or 0,
    )


def _timing_s(metrics: _Metrics | None) -> dict[str, float] | None:
    return {"model": metrics.latency_ms / 1000} if metrics is not None and metrics.latency_ms is not None else None
