"""InvokeModel for Claude: Anthropic's Messages as body, whole or as a stream of chunks."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal

import msgspec

from target_app.bedrock import errors, eventstream
from target_app.bedrock.dialect import Headers, Reply
from target_app.bedrock.models import Model
from target_app.bedrock.prompt import Block, Prompt, Turn, check_size, check_turns, count_input, question_of, texts_of

_VERSION = re.compile(r"-v\d+(:\d+)?$")


class _CacheControl(msgspec.Struct, frozen=True):
    type: Literal["ephemeral"]


class _Block(msgspec.Struct, frozen=True):
    text: str | None = None
    cache_control: _CacheControl | None = None


class _Message(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: str | tuple[_Block, ...]


class _Request(msgspec.Struct, frozen=True):
    messages: tuple[_Message, ...]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    anthropic_version: Literal["bedrock-2023-05-31"]
    system: str | tuple[_Block, ...] = ()
    stop_sequences: tuple[str, ...] = ()


_REQUEST = msgspec.json.Decoder(_Request)


def parse(body: bytes, model: Model) -> Prompt:
    """Read a Messages request; raises ValidationException where it breaks a rule."""
    if model.kind != "claude":
        raise errors.invalid(f"This emulator's InvokeModel speaks for Claude and Titan embeddings, not for {model.id}.")
    try:
        request = _REQUEST.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise errors.malformed(str(error)) from error
    turns = [Turn(message.role, _blocks(message.content)) for message in request.messages]
    check_turns(turns)
    texts, cache_points = texts_of(_blocks(request.system), turns)
    prompt = Prompt(
        texts=texts,
        question=question_of(turns),
        input_tokens=count_input(texts),
        max_tokens=request.max_tokens,
        stop_sequences=request.stop_sequences,
        cache_points=cache_points,
    )
    check_size(model, prompt.input_tokens, prompt.max_tokens)
    return prompt


def whole(reply: Reply) -> tuple[Headers, bytes]:
    """InvokeModel's response: the message, and the token counts as headers."""
    answer = reply.answer
    message = _message(reply) | {
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        **_usage(reply, answer.output_tokens),
    }
    headers = [(b"x-amzn-bedrock-invocation-latency", b"%d" % reply.latency_ms)]
    if reply.has_usage:
        headers += [
            (b"x-amzn-bedrock-input-token-count", b"%d" % reply.input_tokens),
            (b"x-amzn-bedrock-output-token-count", b"%d" % answer.output_tokens),
            (b"x-amzn-bedrock-cache-read-input-token-count", b"%d" % reply.cache_read_tokens),
            (b"x-amzn-bedrock-cache-write-input-token-count", b"%d" % reply.cache_write_tokens),
        ]
    return headers, msgspec.json.encode(message)


def stream_headers() -> Headers:
    """Say what the chunks hold."""
    return [(b"x-amzn-bedrock-content-type", b"application/json")]


def opening(reply: Reply) -> bytes:
    """`message_start` and `content_block_start`."""
    return _chunk({"type": "message_start", "message": _message(reply)}) + _chunk(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )


def delta(text: str, padding: str) -> bytes:
    """`content_block_delta`."""
    return _chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}, padding)


def closing(reply: Reply) -> bytes:
    """`content_block_stop`, `message_delta`, and `message_stop` with Bedrock's own metrics."""
    answer = reply.answer
    metrics = {"invocationLatency": reply.latency_ms, "firstByteLatency": reply.first_ms}
    if reply.has_usage:
        metrics |= {
            "inputTokenCount": reply.input_tokens,
            "outputTokenCount": answer.output_tokens,
            "cacheReadInputTokenCount": reply.cache_read_tokens,
            "cacheWriteInputTokenCount": reply.cache_write_tokens,
        }
    usage = {"usage": {"output_tokens": answer.output_tokens}} if reply.has_usage else {}
    return (
        _chunk({"type": "content_block_stop", "index": 0})
        + _chunk(
            {
                "type": "message_delta",
                "delta": {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence},
                **usage,
            }
        )
        + _chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics})
    )


def _blocks(content: str | tuple[_Block, ...]) -> list[Block]:
    if isinstance(content, str):
        return [Block(content)]
    return [Block(block.text, block.cache_control is not None) for block in content]


def _message(reply: Reply) -> dict[str, Any]:
    """Give the message as it stands when it starts."""
    return {
        "id": "msg_bdrk_" + reply.request_id.replace("-", "")[:24],
        "type": "message",
        "role": "assistant",
        "model": _VERSION.sub("", reply.model.id.removeprefix("anthropic.")),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        **_usage(reply, 1),
    }


def _usage(reply: Reply, output_tokens: int) -> dict[str, dict[str, int]]:
    """The member `usage`; nothing where it is to be missing."""
    if not reply.has_usage:
        return {}
    return {
        "usage": {
            "input_tokens": reply.input_tokens,
            "output_tokens": output_tokens,
            "cache_read_input_tokens": reply.cache_read_tokens,
            "cache_creation_input_tokens": reply.cache_write_tokens,
        }
    }


def _chunk(event: dict[str, Any], padding: str = "abcdef") -> bytes:
    content = base64.b64encode(msgspec.json.encode(event)).decode()
    return eventstream.event("chunk", msgspec.json.encode({"bytes": content, "p": padding}))
