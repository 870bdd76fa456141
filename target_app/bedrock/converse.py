"""The Converse API: requests, whole answers, and the events of ConverseStream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from target_app.bedrock import errors, eventstream
from target_app.bedrock.dialect import Headers, Reply
from target_app.bedrock.models import Model
from target_app.bedrock.prompt import Block, Prompt, Turn, check_size, check_turns, count_input, question_of, texts_of


class _CachePoint(msgspec.Struct, frozen=True):
    type: Literal["default"]


class _Block(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    cache_point: _CachePoint | None = None


class _Message(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: tuple[_Block, ...]


class _Inference(msgspec.Struct, frozen=True, rename="camel"):
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stop_sequences: tuple[str, ...] = ()


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    messages: tuple[_Message, ...] = ()
    system: tuple[_Block, ...] = ()
    inference_config: _Inference = _Inference()
    request_metadata: dict[str, str] = {}


_REQUEST = msgspec.json.Decoder(_Request)


def parse(body: bytes, model: Model) -> Prompt:
    """Read a Converse request; raises ValidationException where it breaks a rule."""
    if model.kind == "embedding":
        raise errors.invalid(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        )
    try:
        request = _REQUEST.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise errors.malformed(str(error)) from error
    turns = _turns(request)
    check_turns(turns)
    texts, cache_points = texts_of(_blocks(request.system), turns)
    inference, metadata = request.inference_config, request.request_metadata
    prompt = Prompt(
        texts=texts,
        question=question_of(turns),
        input_tokens=count_input(texts),
        max_tokens=inference.max_tokens,
        stop_sequences=inference.stop_sequences,
        request_id=metadata.get("request_id"),
        query_type=metadata.get("query_type"),
        wanted_tokens=_wanted_tokens(metadata.get("output_tokens")),
        cache_points=cache_points,
    )
    check_size(model, prompt.input_tokens, prompt.max_tokens)
    return prompt


def whole(reply: Reply) -> tuple[Headers, bytes]:
    """Converse's response."""
    body = {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.answer.text}]}},
        "stopReason": reply.answer.stop_reason,
        "metrics": {"latencyMs": reply.latency_ms},
        **_usage(reply),
    }
    return [], msgspec.json.encode(body)


def stream_headers() -> Headers:
    """ConverseStream adds no headers of its own."""
    return []


def opening(reply: Reply) -> bytes:  # noqa: ARG001  other dialects name the model here
    """`messageStart`; a text block has no `contentBlockStart`."""
    return _event("messageStart", {"role": "assistant", "p": "abcd"})


def delta(text: str, padding: str) -> bytes:
    """`contentBlockDelta`."""
    return _event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}, "p": padding})


def closing(reply: Reply) -> bytes:
    """`contentBlockStop`, `messageStop`, `metadata`."""
    return (
        _event("contentBlockStop", {"contentBlockIndex": 0, "p": "abcdefgh"})
        + _event("messageStop", {"stopReason": reply.answer.stop_reason, "p": "abcdef"})
        + _event("metadata", {**_usage(reply), "metrics": {"latencyMs": reply.latency_ms}, "p": "abcdefghij"})
    )


def _turns(request: _Request) -> Sequence[Turn]:
    return [Turn(message.role, _blocks(message.content)) for message in request.messages]


def _blocks(blocks: Sequence[_Block]) -> list[Block]:
    return [Block(block.text, block.cache_point is not None) for block in blocks]


def _wanted_tokens(value: str | None) -> int | None:
    """Length that the request asks for in its metadata, this emulator's own convention."""
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise errors.invalid("requestMetadata.output_tokens must be a whole number of tokens, 1 or more.")
    return int(value)


def _usage(reply: Reply) -> dict[str, dict[str, int]]:
    """The member `usage`; nothing where it is to be missing."""
    if not reply.has_usage:
        return {}
    read, written = reply.cache_read_tokens, reply.cache_write_tokens
    output_tokens = reply.answer.output_tokens
    return {
        "usage": {
            "inputTokens": reply.input_tokens,
            "outputTokens": output_tokens,
            "totalTokens": reply.input_tokens + read + written + output_tokens,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
        }
    }


def _event(kind: str, payload: dict[str, Any]) -> bytes:
    return eventstream.event(kind, msgspec.json.encode(payload))
